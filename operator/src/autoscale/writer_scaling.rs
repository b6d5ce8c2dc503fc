//! Writers of one cluster: decide, and set the number. A writer that ends hands its partitions over by itself.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use scaling::writers::{Decision, Memory, decide};

use crate::api::ChatCluster;
use crate::autoscale::fleet::Fleet;
use crate::autoscale::observation::Seen;
use crate::autoscale::past::{Change, Past};
use crate::autoscale::{Now, workload, writers};
use crate::cache::pods::{Component, PodView};
use crate::clusters::Cluster;
use crate::context::Context;
use crate::status::history;

pub struct WriterScaling {
    pub fleet: Fleet,
    past: Past<Memory>,
    decision: Option<Decision>,
}

impl WriterScaling {
    pub fn remembering(cluster: &ChatCluster) -> Self {
        let status = cluster.status.as_ref().and_then(|status| status.writers.as_ref());
        let past = Past::remembering(cluster, status.map(|status| &status.scaling));
        Self { fleet: Fleet::default(), past, decision: None }
    }

    pub async fn period(
        &mut self,
        context: &Context,
        cluster: &Cluster,
        applied: &ChatCluster,
        pods: &[Arc<PodView>],
        now: Now,
    ) {
        let key = workload(cluster, Component::Writer, true);
        let Some(child) = context.children.get(&key) else { return };
        let Some(set) = child.typed::<StatefulSet>() else { return };
        let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let current = u32::try_from(replicas).unwrap_or(0);
        let sample = writers::sample(&self.fleet, pods, current, now.monotonic, now.unix);
        let decision = decide(&writers::spec(&applied.spec), &self.past.memory, &sample);
        self.past.memory = decision.memory.clone();
        let writers = applied.spec.writers();
        let most = applied.spec.writers_max().max(writers.min);
        let blind = self.past.is_blind(now.unix, writers.scale_down.stabilization_seconds);
        let held = blind || !decision.flags.is_empty();
        let desired = if held { decision.desired.max(current.min(most)) } else { decision.desired };
        if desired != current {
            if self.decision.as_ref().map(|decision| decision.desired) != Some(desired) {
                let change = Change {
                    from: current,
                    to: desired,
                    reason: decision.reason.clone(),
                    bound: decision.bound.as_ref().map(history::word),
                    inputs: history::inputs(&decision.inputs),
                };
                self.past.note(context, cluster, "writer", change, now.unix).await;
            }
            let done = context.applier.scale(&key, desired, Some(&child.version)).await;
            self.past.failure = done.as_ref().err().map(ToString::to_string);
            if let Err(error) = done {
                tracing::warn!(cluster = %cluster.key, %error, "writers could not be scaled");
            }
        }
        self.decision = Some(Decision { desired, ..decision });
    }

    #[allow(clippy::cast_possible_truncation)] // pods of one cluster
    pub fn observation(&self, pods: &[Arc<PodView>], now: Now) -> Seen {
        let alive: Vec<_> = pods.iter().filter(|pod| !pod.ended && !pod.terminating).collect();
        let ready = alive.iter().filter(|pod| pod.ready()).count() as u32;
        let loads: Vec<_> = alive.iter().filter_map(|pod| self.fleet.of(pod)).map(|series| &series.load).collect();
        let ages = alive.iter().filter_map(|pod| self.fleet.of(pod)?.believed).map(|at| now.monotonic - at);
        let decision = self.decision.as_ref();
        let records: Vec<f64> = loads.iter().filter_map(|load| load.lag_records).collect();
        Seen {
            desired: decision.map_or(0, |decision| decision.desired),
            pods: alive.len() as u32,
            ready,
            booting: alive.len() as u32 - ready,
            lag_records: (!records.is_empty()).then(|| records.iter().sum()),
            lag_seconds: loads.iter().filter_map(|load| load.lag_seconds).reduce(f64::max),
            metrics_age_seconds: ages.reduce(f64::max),
            bound: decision.and_then(|decision| decision.bound.as_ref()).map(history::word),
            reason: decision.map(|decision| decision.reason.clone()).unwrap_or_default(),
            ..self.past.observe(now.unix, decision.is_some())
        }
    }
}
