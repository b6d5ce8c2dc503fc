//! Gateways of one cluster: decide, and drain or create.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use scaling::gateways::{Bound, Decision, Memory, decide};
use serde::{Deserialize, Serialize};

use crate::api::{self, ChatCluster};
use crate::autoscale::act::{self, Rollout};
use crate::autoscale::boot::Boots;
use crate::autoscale::fleet::Fleet;
use crate::autoscale::observation::Seen;
use crate::autoscale::{Now, gateways, workload};
use crate::cache::pods::{Component, PodView};
use crate::clusters::Cluster;
use crate::context::Context;
use crate::drain::{self, Policy};
use crate::scrape::series::Series;
use crate::status::history;

/// A memory that is older than this misses what was wanted since.
const MEMORY_GAP_SECONDS: f64 = 30.0;

#[derive(Default)]
pub struct GatewayScaling {
    pub fleet: Fleet,
    pub boots: Boots,
    memory: Memory,
    /// When the memory was written, if it came from a status.
    remembered_at: Option<f64>,
    /// Until then nothing shrinks: this operator has not looked for long enough. `None` before the first period.
    no_shrink_until: Option<f64>,
    decision: Option<Decision>,
    decisions: Vec<api::Decision>,
    last_up: Option<f64>,
    last_down: Option<f64>,
    committed: u32,
    failure: Option<String>,
}

/// As it is kept in the status.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kept {
    at: f64,
    engine: Memory,
    boots: Boots,
}

impl GatewayScaling {
    /// Goes on where the status says that an operator stopped.
    pub fn remembering(cluster: &ChatCluster) -> Self {
        let Some(status) = cluster.status.as_ref().and_then(|status| status.gateways.as_ref()) else {
            return Self::default();
        };
        let kept: Option<Kept> = status.memory.clone().and_then(|kept| serde_json::from_value(kept).ok());
        let kept_at = kept.as_ref().map(|kept| kept.at);
        let kept = kept.unwrap_or_default();
        Self {
            memory: kept.engine,
            boots: kept.boots,
            remembered_at: kept_at,
            decisions: history::of(status.decision.as_ref(), &status.history),
            last_up: status.last_scale_up.as_ref().map(history::seconds),
            last_down: status.last_scale_down.as_ref().map(history::seconds),
            ..Self::default()
        }
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
        let boot = self.boots.p95();
        let sample = gateways::sample(&self.fleet, pods, current, boot, now.monotonic, now.unix);
        let decision = decide(&gateways::spec(&spec), &self.memory, &sample);
        self.memory = decision.memory.clone();
        let desired = self.held(&decision, current, applied, now);
        self.committed = current;
        let policy = Policy {
            drain_seconds: f64::from(spec.scale_down.drain_seconds),
            max_draining: spec.scale_down.max_draining.of(rollout.replicas),
            frozen: desired >= current || !decision.flags.is_empty(),
            rolling: rollout.rolling,
        };
        let steps = drain::plan(&fleet, rollout.replicas, desired, &policy, now.unix);
        if desired != current && self.news(current, desired) {
            self.note(context, cluster, &decision, current, desired, now).await;
        }
        self.decision = Some(Decision { desired, ..decision });
        let gateways = act::Gateways { context, cluster, key: &key, version: &child.version, pods };
        self.failure = gateways.take(&steps, policy.drain_seconds).await.err().map(|error| error.to_string());
    }

    /// What may be done of a decision. Until this operator has looked as long as the stabilisation window is, nothing
    /// shrinks: what was wanted while nobody looked is not known.
    fn held(&mut self, decision: &Decision, current: u32, applied: &ChatCluster, now: Now) -> u32 {
        let spec = applied.spec.gateways();
        let until = *self.no_shrink_until.get_or_insert_with(|| {
            let fresh = self.remembered_at.is_some_and(|at| (0.0..MEMORY_GAP_SECONDS).contains(&(now.unix - at)));
            let window = f64::from(spec.scale_down.stabilization_seconds);
            if fresh { now.unix } else { now.unix + window }
        });
        let floor = if now.unix < until { current.min(spec.max.max(spec.min)) } else { 0 };
        decision.desired.max(floor)
    }

    /// A change that is not simply the one of before going on: a drain takes many periods.
    fn news(&self, current: u32, desired: u32) -> bool {
        let before = self.decision.as_ref().map(|decision| decision.desired);
        before != Some(desired) || (before.is_none() && current != desired)
    }

    async fn note(&mut self, context: &Context, cluster: &Cluster, decision: &Decision, from: u32, to: u32, now: Now) {
        let bound = decision.bound.as_ref().map(history::word);
        let inputs = history::inputs(&decision.inputs);
        let noted = history::decision(now.unix, from, to, &decision.reason, bound, inputs);
        act::announce(context, cluster, "gateway", &noted).await;
        history::push(&mut self.decisions, noted);
        if to > from {
            self.last_up = Some(now.unix);
        } else {
            self.last_down = Some(now.unix);
        }
    }

    #[allow(clippy::cast_possible_truncation)] // pods of one cluster
    pub fn observation(&self, pods: &[Arc<PodView>], now: Now) -> Seen {
        let alive: Vec<_> = pods.iter().filter(|pod| !pod.ended && !pod.terminating).collect();
        let connections = |pod: &&&Arc<PodView>| self.fleet.of(pod).map_or(0.0, Series::connections);
        let count = |test: &dyn Fn(&PodView) -> bool| alive.iter().filter(|pod| test(pod)).count() as u32;
        let all = pods.iter().filter(|pod| !pod.ended);
        let decision = self.decision.as_ref();
        let kept = Kept { at: now.unix, engine: self.memory.clone(), boots: self.boots.clone() };
        Seen {
            desired: decision.map_or(0, |decision| decision.desired),
            pods: alive.len() as u32,
            ready: count(&PodView::ready),
            draining: pods.iter().filter(|pod| pod.marks.draining_since.is_some() && !pod.ended).count() as u32,
            booting: count(&|pod| !pod.ready() && pod.marks.draining_since.is_none()),
            connections: all.map(|pod| self.fleet.of(pod).map_or(0.0, Series::connections)).sum(),
            connections_most: alive.iter().map(|pod| connections(&pod)).fold(0.0, f64::max),
            metrics_age_seconds: decision.map(|decision| decision.inputs.metric_age_seconds),
            bound: decision.and_then(|decision| decision.bound.as_ref()).map(|bound: &Bound| history::word(bound)),
            reason: decision.map(|decision| decision.reason.clone()).unwrap_or_default(),
            decisions: self.decisions.clone(),
            last_scale_up: self.last_up,
            last_scale_down: self.last_down,
            memory: decision.and_then(|_| serde_json::to_value(&kept).ok()),
            failure: self.failure.clone(),
            ..Seen::default()
        }
    }
}
