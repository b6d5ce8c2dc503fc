//! What the operator says of a cluster.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The types of conditions.
pub mod condition {
    /// The cluster is as this generation of its spec wants it, and serves.
    pub const READY: &str = "Ready";
    /// Something is being created, changed, drained or scaled.
    pub const PROGRESSING: &str = "Progressing";
    /// It works with less than it should: readings are missing, pods fail, a backend is away.
    pub const DEGRADED: &str = "Degraded";
    /// The traffic wants more or fewer gateways than the spec allows.
    pub const SCALING_LIMITED: &str = "ScalingLimited";
    /// More writers would not help: the store is the limit.
    pub const WRITERS_BOUND: &str = "WritersBound";
    /// Redis, Kafka and Cassandra answer the pods.
    pub const BACKENDS_REACHABLE: &str = "BackendsReachable";
    pub const ALL: [&str; 6] = [READY, PROGRESSING, DEGRADED, SCALING_LIMITED, WRITERS_BOUND, BACKENDS_REACHABLE];
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatClusterStatus {
    /// The generation of the spec that this status was computed for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Progressing, Degraded, ScalingLimited, WritersBound, BackendsReachable. Each has the generation that it
    /// was computed for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
    /// Where clients connect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The image of the gateways that is rolled out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What topics and tables were brought to last: the hash of the migration that succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrated: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<GatewayStatus>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writers: Option<WriterStatus>,
}

/// Gateways, as they were seen last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayStatus {
    /// How many should serve.
    #[serde(default)]
    pub desired: u32,
    /// Pods that exist, also those that boot or drain.
    #[serde(default)]
    pub replicas: u32,
    #[serde(default)]
    pub ready: u32,
    #[serde(default)]
    pub draining: u32,
    /// ready/desired.
    #[serde(default)]
    pub summary: String,
    /// The label selector of the gateways' pods, for autoscalers.
    #[serde(default)]
    pub selector: String,
    #[serde(default)]
    pub connections: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connections_per_pod: Option<ConnectionsPerPod>,
    #[serde(flatten)]
    pub scaling: ScalingStatus,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConnectionsPerPod {
    pub max: i64,
    pub mean: f64,
}

/// Writers, as they were seen last.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterStatus {
    /// How many should run.
    #[serde(default)]
    pub desired: u32,
    #[serde(default)]
    pub replicas: u32,
    #[serde(default)]
    pub ready: u32,
    /// ready/desired.
    #[serde(default)]
    pub summary: String,
    /// Records in the log that the store does not have yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_records: Option<i64>,
    /// How old the oldest of them is, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_seconds: Option<f64>,
    #[serde(flatten)]
    pub scaling: ScalingStatus,
}

/// What is said alike of every component that is scaled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingStatus {
    /// The age of the oldest reading that counts, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics_age_seconds: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scale_up: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_scale_down: Option<Time>,
    /// The last decision that changed the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Decisions before it, the newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    pub history: Vec<Decision>,
    /// What the decision engine remembers, so that an operator that starts anew does not shrink blindly: JSON in one line,
    /// since nobody else reads it.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "text")]
    #[schemars(length(max = 16384))]
    pub memory: Option<String>,
}

/// Anything else is none: what a development version wrote there must not make the whole ChatCluster unreadable.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().map(str::to_owned))
}

/// A change of a number of pods, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub at: Time,
    pub from: u32,
    pub to: u32,
    /// One sentence with the numbers.
    pub reason: String,
    /// What kept it from being what the traffic wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<String>,
    /// The numbers behind it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
    pub inputs: BTreeMap<String, serde_json::Value>,
}
