//! What the operator tells of itself on `/metrics`.

use std::sync::atomic::AtomicU64;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::api::condition;

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

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ConditionLabels {
    pub namespace: String,
    pub name: String,
    /// `Ready`, `Degraded` and so on.
    pub condition: String,
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
    conditions: Family<ConditionLabels, Gauge>,
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
            conditions: Family::default(),
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
        to.register("condition", "1 while a condition of a ChatCluster is true", all.conditions);
        metrics
    }

    /// Takes over what a ChatCluster's status says.
    pub fn told(&self, namespace: &str, name: &str, conditions: &[Condition]) {
        for Condition { type_, status, .. } in conditions {
            let labels =
                ConditionLabels { namespace: namespace.to_owned(), name: name.to_owned(), condition: type_.clone() };
            self.conditions.get_or_create(&labels).set(i64::from(status == "True"));
        }
    }

    /// A cluster is gone, or another operator leads.
    pub fn forget(&self, namespace: &str, name: &str) {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        for condition in condition::ALL {
            let (namespace, name) = (namespace.clone(), name.clone());
            self.conditions.remove(&ConditionLabels { namespace, name, condition: condition.to_owned() });
        }
        self.metric_age.remove(&ClusterLabels { namespace, name });
    }

    /// Of a process that shows them to nobody.
    pub fn detached() -> Self {
        Self::register(&mut Registry::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use service_kit::metrics::{differences, documented, exported};

    use super::*;

    /// With one sample of every family, so that its labels are seen.
    fn exposition() -> String {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        service_kit::metrics::register(&mut registry, Arc::default());
        metrics.reconcile_errors.get_or_create(&ErrorLabels { cause: "apply" }).inc();
        metrics.api_calls.get_or_create(&CallLabels { verb: "get", outcome: "ok" }).inc();
        metrics.decisions.get_or_create(&ScaleLabels { component: "writer", direction: "up" }).inc();
        metrics.drains.get_or_create(&DrainLabels { step: "begun" }).inc();
        metrics.scrapes.get_or_create(&ScrapeLabels { outcome: "ok" }).inc();
        let cluster = ClusterLabels { namespace: "chat".to_owned(), name: "demo".to_owned() };
        metrics.metric_age.get_or_create(&cluster).set(2.0);
        let told = |status: &str| Condition {
            type_: condition::READY.to_owned(),
            status: status.to_owned(),
            reason: "Test".to_owned(),
            message: String::new(),
            observed_generation: None,
            last_transition_time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
                k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
            ),
        };
        metrics.told("chat", "demo", &[told("True")]);
        metrics.told("chat", "gone", &[told("False")]);
        metrics.forget("chat", "gone");
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        text
    }

    #[test]
    fn what_is_exported_is_documented_and_nothing_else() {
        let page = documented(include_str!("../../docs/reference/metrics.md"), &["Every process", "Operator"]);
        let said = differences(&exported(&exposition()), &page);
        assert!(said.is_empty(), "docs/reference/metrics.md:\n{}", said.join("\n"));
    }

    #[test]
    fn a_cluster_that_is_gone_is_told_no_longer() {
        let text = exposition();
        let ready = r#"elastic_chat_operator_condition{namespace="chat",name="demo",condition="Ready"} 1"#;
        assert!(text.contains(ready), "{text}");
        assert!(!text.contains("gone"), "{text}");
    }
}
