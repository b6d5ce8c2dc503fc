//! Gateways of one cluster: decide, and drain or create.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use scaling::gateways::{Decision, Memory, decide};
use serde::{Deserialize, Serialize};

use crate::api::ChatCluster;
use crate::autoscale::act::{self, Rollout};
use crate::autoscale::boot::Boots;
use crate::autoscale::fleet::Fleet;
use crate::autoscale::observation::Seen;
use crate::autoscale::past::{Change, Past};
use crate::autoscale::{Now, gateways, workload};
use crate::cache::pods::{Component, PodView};
use crate::clusters::Cluster;
use crate::context::Context;
use crate::drain::{self, Policy};
use crate::scrape::series::Series;
use crate::status::history;

pub struct GatewayScaling {
    pub fleet: Fleet,
    past: Past<Learned>,
    decision: Option<Decision>,
}

/// What is remembered of gateways.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Learned {
    decisions: Memory,
    boots: Boots,
}

impl GatewayScaling {
    pub fn remembering(cluster: &ChatCluster) -> Self {
        let status = cluster.status.as_ref().and_then(|status| status.gateways.as_ref());
        let past = Past::remembering(cluster, status.map(|status| &status.scaling));
        Self { fleet: Fleet::default(), past, decision: None }
    }

    /// Learns from pods that became ready, at `now` (seconds since the Unix epoch).
    pub fn look(&mut self, pods: &[Arc<PodView>], now: f64) {
        self.past.memory.boots.look(pods, now);
    }

    pub async fn period(
        &mut self,
        context: &Context,
        cluster: &Cluster,
        applied: &ChatCluster,
        pods: &[Arc<PodView>],
        now: Now,
    ) {
        let key = workload(cluster, Component::Gateway, true);
        let Some(child) = context.children.get(&key) else { return };
        let Some(deployment) = child.typed::<Deployment>() else { return };
        let rollout = Rollout::of(&deployment);
        let spec = applied.spec.gateways();
        let fleet = gateways::for_drain(&self.fleet, pods);
        let current = drain::committed(&fleet, rollout.replicas, rollout.rolling);
        let boot = self.past.memory.boots.p95();
        let sample = gateways::sample(&self.fleet, pods, current, boot, now.monotonic, now.unix);
        let decision = decide(&gateways::spec(&spec), &self.past.memory.decisions, &sample);
        self.past.memory.decisions = decision.memory.clone();
        let blind = self.past.is_blind(now.unix, spec.scale_down.stabilization_seconds);
        let floor = if blind { current.min(spec.max.max(spec.min)) } else { 0 };
        let desired = decision.desired.max(floor);
        let policy = Policy {
            drain_seconds: f64::from(spec.scale_down.drain_seconds),
            max_draining: spec.scale_down.max_draining.of(rollout.replicas),
            frozen: desired >= current || !decision.flags.is_empty(),
            rolling: rollout.rolling,
        };
        let steps = drain::plan(&fleet, rollout.replicas, desired, &policy, now.unix);
        // A change that is not simply the one of before going on: a drain takes many periods.
        let news = self.decision.as_ref().map(|decision| decision.desired) != Some(desired);
        if desired != current && news {
            let change = Change {
                from: current,
                to: desired,
                reason: decision.reason.clone(),
                bound: decision.bound.as_ref().map(history::word),
                inputs: history::inputs(&decision.inputs),
            };
            self.past.note(context, cluster, "gateway", change, now.unix).await;
        }
        self.decision = Some(Decision { desired, ..decision });
        let gateways = act::Gateways { context, cluster, key: &key, version: &child.version, pods };
        self.past.failure = gateways.take(&steps, policy.drain_seconds).await.err().map(|error| error.to_string());
    }

    #[allow(clippy::cast_possible_truncation)] // pods of one cluster
    pub fn observation(&self, pods: &[Arc<PodView>], now: Now) -> Seen {
        let alive: Vec<_> = pods.iter().filter(|pod| !pod.ended && !pod.terminating).collect();
        let connections = |pod: &&&Arc<PodView>| self.fleet.of(pod).map_or(0.0, Series::connections);
        let count = |test: &dyn Fn(&PodView) -> bool| alive.iter().filter(|pod| test(pod)).count() as u32;
        let all = pods.iter().filter(|pod| !pod.ended);
        let decision = self.decision.as_ref();
        Seen {
            desired: decision.map_or(0, |decision| decision.desired),
            pods: alive.len() as u32,
            ready: count(&PodView::ready),
            draining: pods.iter().filter(|pod| pod.marks.draining_since.is_some() && !pod.ended).count() as u32,
            booting: count(&|pod| !pod.ready() && pod.marks.draining_since.is_none()),
            connections: all.map(|pod| self.fleet.of(pod).map_or(0.0, Series::connections)).sum(),
            connections_most: alive.iter().map(|pod| connections(&pod)).fold(0.0, f64::max),
            metrics_age_seconds: decision.map(|decision| decision.inputs.metric_age_seconds),
            bound: decision.and_then(|decision| decision.bound.as_ref()).map(history::word),
            reason: decision.map(|decision| decision.reason.clone()).unwrap_or_default(),
            ..self.past.observe(now.unix, decision.is_some())
        }
    }
}
