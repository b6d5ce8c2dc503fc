//! What the operator tells of itself on `/metrics`.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CallLabels {
    pub verb: &'static str,
    /// `ok`, `refused`, `failed` or `deadline`.
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ErrorLabels {
    /// Kind of failure; never a name, so that there are few.
    pub cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ScaleLabels {
    /// `gateway` or `writer`.
    pub component: &'static str,
    /// `up`, `down` or `hold`.
    pub direction: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct DrainLabels {
    /// `begun`, `finished`, `deadline` or `taken_back`.
    pub step: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ScrapeLabels {
    /// `ok`, or why there was no answer.
    pub outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ClusterLabels {
    pub namespace: String,
    pub name: String,
}

type Latency = Histogram;

/// Cheap to clone; all clones count together.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub leader: Gauge,
    pub clusters: Gauge,
    pub reconcile_seconds: Latency,
    pub reconcile_errors: Family<ErrorLabels, Counter>,
    pub api_calls: Family<CallLabels, Counter>,
    pub applies_skipped: Counter,
    pub decisions: Family<ScaleLabels, Counter>,
    pub drains: Family<DrainLabels, Counter>,
    pub shed_connections: Counter,
    pub sessions_cut: Counter,
    pub scrapes: Family<ScrapeLabels, Counter>,
    pub metric_age: Family<ClusterLabels, Gauge<f64, AtomicU64>>,
    pub events_deduplicated: Counter,
}

fn latency() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.5, 12))
}

impl Metrics {
    /// Registers everything with the prefix `elastic_chat_operator`.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            leader: Gauge::default(),
            clusters: Gauge::default(),
            reconcile_seconds: latency(),
            reconcile_errors: Family::default(),
            api_calls: Family::default(),
            applies_skipped: Counter::default(),
            decisions: Family::default(),
            drains: Family::default(),
            shed_connections: Counter::default(),
            sessions_cut: Counter::default(),
            scrapes: Family::default(),
            metric_age: Family::default(),
            events_deduplicated: Counter::default(),
        };
        let all = metrics.clone();
        let to = registry.sub_registry_with_prefix("elastic_chat_operator");
        to.register("leader", "1 while this process holds the lease", all.leader);
        to.register("clusters", "ChatClusters that are known", all.clusters);
        let help = "Time of one reconciliation";
        to.register_with_unit("reconcile_duration", help, Unit::Seconds, all.reconcile_seconds);
        to.register("reconcile_errors", "Reconciliations that failed, by cause", all.reconcile_errors);
        to.register("api_calls", "Calls to the API server, without watches and the lease", all.api_calls);
        to.register("applies_skipped", "Objects that were as wanted, so that nothing was sent", all.applies_skipped);
        to.register("decisions", "Changes of the wanted number of pods", all.decisions);
        to.register("drains", "Steps of drains", all.drains);
        to.register("shed_connections", "Connections that busy gateways were asked to move", all.shed_connections);
        to.register("sessions_cut", "Sessions that gateways closed before their clients had moved", all.sessions_cut);
        to.register("scrapes", "Questions to pods, by outcome", all.scrapes);
        let help = "Age of the oldest reading that the last decision was made from";
        to.register_with_unit("metric_age", help, Unit::Seconds, all.metric_age);
        to.register("events_deduplicated", "Events that had been told shortly before", all.events_deduplicated);
        metrics
    }

    /// Of a process that shows them to nobody.
    pub fn detached() -> Self {
        Self::register(&mut Registry::default())
    }
}
