//! The `ChatCluster` resource, v1alpha1.
//!
//! The types are the schema: what they say of defaults and bounds is generated into `crds/chatclusters.yaml`. What
//! spans several fields is a CEL rule ([`rules`]). Every field of the spec ends in a flag of a process or in a field
//! of an owned object.

mod backends;
mod cluster;
mod defaults;
mod embedded;
mod exposure;
mod gateways;
mod image;
mod limits;
mod pod;
mod quantity;
pub mod rules;
pub mod schema;
mod status;
mod writers;

pub use backends::{
    Blobs, BlobsClaim, Cassandra, Credentials, Kafka, Migration, OptionalTls, Redis, RedisMode, S3, SecretFile,
    SecretKey, Tls,
};
pub use cluster::{Auth, ChatCluster, ChatClusterSpec, Log, LogFormat, Monitoring, NetworkPolicies, Profile};
pub use embedded::{Embedded, Storage, WhenDeleted};
pub use exposure::{Exposure, GatewayRoute, Ingress, ParentRef, ServiceType, TlsExposure, Web};
pub use gateways::{GatewayLimit, GatewayTarget, Gateways, Rebalance, ScaleDown, ScaleUp, Share};
pub use image::{Digests, Image, PullPolicy, PullSecret};
pub use limits::{LimitValue, Limits};
pub use pod::{Amounts, Pod, Resources};
pub use quantity::Quantity;
pub use status::{
    ChatClusterStatus, ConnectionsPerPod, Decision, GatewayStatus, ScalingStatus, WriterStatus, condition,
};
pub use writers::{WriterScaleDown, WriterTarget, Writers};

#[cfg(test)]
mod tests;
