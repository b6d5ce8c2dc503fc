//! The systems behind a distributed cluster. Credentials are named, never written here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Routes of live messages, presence, rate limits: Redis 7 or newer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Redis {
    /// What the addresses are: one server, sentinels, or nodes of a Redis Cluster.
    #[serde(default)]
    pub mode: RedisMode,
    /// host:port of the server, of the sentinels, or of some nodes of the Redis Cluster.
    #[schemars(length(min = 1, max = 16), inner(length(min = 3, max = 270)), extend("x-kubernetes-list-type" = "set"))]
    pub addresses: Vec<String>,
    /// What the sentinels call the primary. Mode sentinel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub master: Option<String>,
    /// The number of the database. Mode standalone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1023))]
    pub database: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<OptionalTls>,
    /// A Secret with the password, and the name of the ACL user where it is not `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedisMode {
    #[default]
    Standalone,
    Sentinel,
    Cluster,
}

/// The log: Kafka 3.5 or newer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Kafka {
    /// host:port of some brokers.
    #[schemars(length(min = 1, max = 16), inner(length(min = 3, max = 270)), extend("x-kubernetes-list-type" = "set"))]
    pub brokers: Vec<String>,
    /// Partitions of the log: the most writers that can share it. It never changes.
    #[serde(default = "Kafka::default_partitions")]
    #[schemars(range(min = 1, max = 4096))]
    pub partitions: u32,
    /// Which generation of the log is written. It never changes.
    #[serde(default = "Kafka::default_generation")]
    #[schemars(range(min = 1, max = 511))]
    pub log_generation: u32,
    /// For brokers before 4.0: writers share partitions by the older group protocol.
    #[serde(default)]
    pub classic_group_protocol: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<OptionalTls>,
    /// A Secret with user name and password for SASL SCRAM-SHA-512.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

impl Kafka {
    pub(super) fn default_partitions() -> u32 {
        64
    }
    fn default_generation() -> u32 {
        1
    }
}

/// The store: Cassandra 4.1 or newer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cassandra {
    /// host:port of some nodes.
    #[schemars(length(min = 1, max = 16), inner(length(min = 3, max = 270)), extend("x-kubernetes-list-type" = "set"))]
    pub contact_points: Vec<String>,
    /// Where the tables are. It never changes.
    #[serde(default = "Cassandra::default_keyspace")]
    #[schemars(length(min = 1, max = 48))]
    pub keyspace: String,
    /// The data centre whose replicas answer. Without it that of the first node reached: name it where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 128))]
    pub datacenter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// A Secret with user name and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
}

impl Cassandra {
    fn default_keyspace() -> String {
        "chat".to_owned()
    }
}

/// Where the bytes of files are kept: exactly one of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blobs {
    /// S3, or a server that speaks as it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3>,
    /// A volume that all gateways share. Profile distributed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<BlobsClaim>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct S3 {
    /// `aws`, or the address of another server: https://host[:port].
    #[serde(default = "S3::default_endpoint")]
    #[schemars(length(min = 3, max = 270))]
    pub endpoint: String,
    /// The bucket: it must exist.
    #[schemars(length(min = 3, max = 63))]
    pub bucket: String,
    /// Its region.
    #[serde(default = "S3::default_region")]
    #[schemars(length(min = 1, max = 64))]
    pub region: String,
    /// A file in a Secret with lines `aws_access_key_id = …` and `aws_secret_access_key = …`. Without it the pods' role
    /// is taken (`gateways.pod.serviceAccountAnnotations`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<SecretFile>,
}

impl S3 {
    fn default_endpoint() -> String {
        "aws".to_owned()
    }
    fn default_region() -> String {
        "us-east-1".to_owned()
    }
}

/// A PersistentVolumeClaim of access mode ReadWriteMany in the cluster's namespace, whose files group 65532 may write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlobsClaim {
    /// The claim's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Making topics and tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Migration {
    /// Without it somebody else runs `chat-node migrate` before each new version.
    #[serde(default = "super::defaults::yes")]
    pub enabled: bool,
    /// Copies of topics and tables when they are made: 3, or 1 where there is one server of each.
    #[serde(default = "Migration::default_replication")]
    #[schemars(range(min = 1, max = 16))]
    pub replication: u32,
}

impl Migration {
    fn default_replication() -> u32 {
        3
    }
}

impl Default for Migration {
    fn default() -> Self {
        Self { enabled: true, replication: Self::default_replication() }
    }
}

/// TLS, trusting the certificates of the system or those of a Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OptionalTls {
    /// Certificates (PEM) to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret: Option<SecretKey>,
}

/// TLS, trusting the certificates of a Secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tls {
    /// Certificates (PEM) to trust.
    pub ca_secret: SecretKey,
}

/// A key of a Secret in the cluster's namespace that holds certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[serde(default = "SecretKey::default_key")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

impl SecretKey {
    fn default_key() -> String {
        "ca.crt".to_owned()
    }
}

/// A key of a Secret in the cluster's namespace that holds a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretFile {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// A Secret in the cluster's namespace with user name and password, as those of type kubernetes.io/basic-auth have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credentials {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// The key of the user name.
    #[serde(default = "Credentials::default_username")]
    #[schemars(length(min = 1, max = 253))]
    pub username_key: String,
    /// The key of the password.
    #[serde(default = "Credentials::default_password")]
    #[schemars(length(min = 1, max = 253))]
    pub password_key: String,
}

impl Credentials {
    fn default_username() -> String {
        "username".to_owned()
    }
    fn default_password() -> String {
        "password".to_owned()
    }
}
