//! Writers of one cluster: decide, and set the number. A writer that ends hands its partitions over by itself.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use scaling::writers::{Decision, Memory, decide};
use serde::{Deserialize, Serialize};

use crate::api::{self, ChatCluster};
use crate::autoscale::fleet::Fleet;
use crate::autoscale::observation::Seen;
use crate::autoscale::{Now, act, workload, writers};
use crate::cache::pods::{Component, PodView};
use crate::clusters::Cluster;
use crate::context::Context;
use crate::status::history;

const MEMORY_GAP_SECONDS: f64 = 30.0;

#[derive(Default)]
pub struct WriterScaling {
    pub fleet: Fleet,
    memory: Memory,
    remembered_at: Option<f64>,
    no_shrink_until: Option<f64>,
    decision: Option<Decision>,
    decisions: Vec<api::Decision>,
    last_up: Option<f64>,
    last_down: Option<f64>,
    failure: Option<String>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Kept {
    at: f64,
    engine: Memory,
}

impl WriterScaling {
    pub fn remembering(cluster: &ChatCluster) -> Self {
        let Some(status) = cluster.status.as_ref().and_then(|status| status.writers.as_ref()) else {
            return Self::default();
        };
        let kept: Option<Kept> = status.memory.clone().and_then(|kept| serde_json::from_value(kept).ok());
        let remembered_at = kept.as_ref().map(|kept| kept.at);
        Self {
            memory: kept.unwrap_or_default().engine,
            remembered_at,
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
        let key = workload(cluster, Component::Writer, true);
        let Some(child) = context.children.get(&key) else { return };
        let Some(set) = child.typed::<StatefulSet>() else { return };
        let replicas = set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let current = u32::try_from(replicas).unwrap_or(0);
        let sample = writers::sample(&self.fleet, pods, current, now.monotonic, now.unix);
        let decision = decide(&writers::spec(&applied.spec), &self.memory, &sample);
        self.memory = decision.memory.clone();
        let until = *self.no_shrink_until.get_or_insert_with(|| {
            let fresh = self.remembered_at.is_some_and(|at| (0.0..MEMORY_GAP_SECONDS).contains(&(now.unix - at)));
            let window = f64::from(applied.spec.writers().scale_down.stabilization_seconds);
            if fresh { now.unix } else { now.unix + window }
        });
        let most = applied.spec.writers_max().max(applied.spec.writers().min);
        let blind = now.unix < until || !decision.flags.is_empty();
        let desired = if blind { decision.desired.max(current.min(most)) } else { decision.desired };
        if desired != current {
            if self.decision.as_ref().map(|decision| decision.desired) != Some(desired) {
                let bound = decision.bound.as_ref().map(history::word);
                let inputs = history::inputs(&decision.inputs);
                let noted = history::decision(now.unix, current, desired, &decision.reason, bound, inputs);
                act::announce(context, cluster, "writer", &noted).await;
                history::push(&mut self.decisions, noted);
            }
            let done = context.applier.scale(&key, desired, Some(&child.version)).await;
            self.failure = done.as_ref().err().map(ToString::to_string);
            match done {
                Ok(()) if desired > current => self.last_up = Some(now.unix),
                Ok(()) => self.last_down = Some(now.unix),
                Err(error) => tracing::warn!(cluster = %cluster.key, %error, "writers could not be scaled"),
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
        let kept = Kept { at: now.unix, engine: self.memory.clone() };
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
            decisions: self.decisions.clone(),
            last_scale_up: self.last_up,
            last_scale_down: self.last_down,
            memory: decision.and_then(|_| serde_json::to_value(&kept).ok()),
            failure: self.failure.clone(),
            ..Seen::default()
        }
    }
}
