//! The resource itself.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Blobs, Cassandra, ChatClusterStatus, Embedded, Exposure, Gateways, Image, Kafka, Limits, Migration, Redis,
    SecretFile, Web, Writers,
};

/// A chat: what it runs on, how it is reached, and between which bounds it grows.
#[derive(CustomResource, Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "elastic-chat.io",
    version = "v1alpha1",
    kind = "ChatCluster",
    plural = "chatclusters",
    singular = "chatcluster",
    shortname = "chat",
    category = "elastic-chat",
    namespaced,
    derive = "PartialEq",
    status = "ChatClusterStatus",
    doc = "A chat that a team runs itself: gateways, writers and web client, which grow and shrink with their traffic.",
    scale(
        spec_replicas_path = ".spec.gateways.min",
        status_replicas_path = ".status.gateways.replicas",
        label_selector_path = ".status.gateways.selector"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether the cluster is as its spec wants it, and serves"
    ),
    printcolumn(
        name = "Gateways",
        type_ = "string",
        json_path = ".status.gateways.summary",
        description = "Gateways that are ready, of those that are wanted"
    ),
    printcolumn(
        name = "Writers",
        type_ = "string",
        json_path = ".status.writers.summary",
        description = "Writers that are ready, of those that are wanted"
    ),
    printcolumn(
        name = "Connections",
        type_ = "integer",
        json_path = ".status.gateways.connections",
        description = "Open connections of clients"
    ),
    printcolumn(
        name = "Lag",
        type_ = "number",
        json_path = ".status.writers.lagSeconds",
        description = "How far the store is behind the log, in seconds"
    ),
    printcolumn(
        name = "Draining",
        type_ = "integer",
        json_path = ".status.gateways.draining",
        priority = 1,
        description = "Gateways that their clients are leaving"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        priority = 1,
        description = "Why the cluster is ready or not"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct ChatClusterSpec {
    /// `embedded`: one node with a volume and nothing else. `distributed`: gateways and writers on Redis, Kafka,
    /// Cassandra and S3. It never changes: the data of one is not that of the other.
    pub profile: Profile,
    /// Stop acting: nothing is created, changed, scaled or drained until it is false again. What runs goes on.
    #[serde(default)]
    pub paused: bool,
    /// Which images, and how they are pulled.
    #[serde(default)]
    pub image: Image,
    /// The node of the profile embedded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub embedded: Option<Embedded>,
    /// What clients connect to, and between which bounds their number moves. The profile distributed needs it; `{}`
    /// takes the defaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateways: Option<Gateways>,
    /// What brings the log into the store. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub writers: Option<Writers>,
    /// The web client. Profile distributed; an embedded node serves it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    /// How clients reach the cluster.
    #[serde(default)]
    pub exposure: Exposure,
    /// Keys that accounts and sessions hang on.
    #[serde(default)]
    pub auth: Auth,
    /// What one person, address or frame may take.
    #[serde(default)]
    pub limits: Limits,
    /// What is logged, and how.
    #[serde(default)]
    pub log: Log,
    /// Who may talk to the pods.
    #[serde(default)]
    pub network_policies: NetworkPolicies,
    /// For Prometheus.
    #[serde(default)]
    pub monitoring: Monitoring,
    /// Routes of live messages, presence, rate limits. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
    /// The log: every message is durable there first. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kafka: Option<Kafka>,
    /// The store: history, accounts, memberships. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cassandra: Option<Cassandra>,
    /// Where the bytes of files are kept. The profile distributed needs it; an embedded node keeps them on its volume,
    /// or in S3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blobs: Option<Blobs>,
    /// Making topics and tables, and bringing them to a new version. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migration: Option<Migration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    Embedded,
    Distributed,
}

/// Keys that accounts and sessions hang on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// 32 bytes, raw or as 64 hexadecimal digits, that sign access tokens and links to files. Without it the cluster
    /// makes one and keeps it with its data. Another key ends every session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key_secret: Option<SecretFile>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Log {
    /// What to log, in the syntax of RUST_LOG: `info`, or `info,chat_node=debug`.
    #[serde(default = "default_filter")]
    #[schemars(length(min = 1, max = 256))]
    pub filter: String,
    /// One JSON object a line, or text for people.
    #[serde(default)]
    pub format: LogFormat,
}

fn default_filter() -> String {
    "info".to_owned()
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: default_filter(), format: LogFormat::default() }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Json,
    Text,
}

/// Who may talk to the pods: what is not named here is refused, where the network enforces it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicies {
    /// Without it there are no NetworkPolicies.
    #[serde(default = "super::defaults::yes")]
    pub enabled: bool,
    /// Namespaces whose pods may connect as clients, such as that of the Ingress controller. Empty: anybody may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set"))]
    pub client_namespaces: Vec<String>,
    /// Namespaces whose pods may read metrics on the admin port, such as that of Prometheus. The operator always may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 1, max = 63)), extend("x-kubernetes-list-type" = "set"))]
    pub metrics_namespaces: Vec<String>,
}

impl Default for NetworkPolicies {
    fn default() -> Self {
        Self { enabled: true, client_namespaces: Vec::new(), metrics_namespaces: Vec::new() }
    }
}

/// A PodMonitor, made where the Prometheus operator's CRD is installed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Monitoring {
    /// Whether one is wanted.
    #[serde(default = "super::defaults::yes")]
    pub pod_monitor: bool,
    /// Seconds between two scrapes by Prometheus. Scaling does not depend on them.
    #[serde(default = "default_interval")]
    #[schemars(range(min = 5, max = 3600))]
    pub interval_seconds: u32,
    /// Labels that Prometheus looks for on a PodMonitor.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 16))]
    pub labels: std::collections::BTreeMap<String, String>,
}

fn default_interval() -> u32 {
    30
}

impl Default for Monitoring {
    fn default() -> Self {
        Self { pod_monitor: true, interval_seconds: default_interval(), labels: std::collections::BTreeMap::new() }
    }
}

impl ChatClusterSpec {
    pub fn is_distributed(&self) -> bool {
        self.profile == Profile::Distributed
    }

    /// The writers' block, or its defaults.
    pub fn writers(&self) -> Writers {
        self.writers.clone().unwrap_or_default()
    }

    /// The gateways' block, or its defaults.
    pub fn gateways(&self) -> Gateways {
        self.gateways.clone().unwrap_or_default()
    }

    /// The web client's block, or its defaults.
    pub fn web(&self) -> Web {
        self.web.clone().unwrap_or_default()
    }

    /// The most writers that make sense: `writers.max`, or one for each partition.
    pub fn writers_max(&self) -> u32 {
        let partitions = self.kafka.as_ref().map_or_else(Kafka::default_partitions, |kafka| kafka.partitions);
        self.writers.as_ref().and_then(|writers| writers.max).unwrap_or(partitions).min(partitions)
    }
}
