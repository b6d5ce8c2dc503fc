//! Writers: how many, and how their number moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pod, Resources};

/// What brings the log into the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Writers {
    /// Never fewer pods.
    #[serde(default = "Writers::default_min")]
    #[schemars(range(min = 1, max = 1000))]
    pub min: u32,
    /// Never more pods. Without it, one for each of Kafka's partitions: more would have nothing to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max: Option<u32>,
    /// How far behind the store may be.
    #[serde(default)]
    pub target: WriterTarget,
    /// How the number shrinks.
    #[serde(default)]
    pub scale_down: WriterScaleDown,
    /// Batches that one writer has in work at the store.
    #[serde(default = "Writers::default_concurrency")]
    #[schemars(range(min = 1, max = 1024))]
    pub concurrency: u32,
    /// Milliseconds that records of a partition gather before they are stored, while they are few. 0 stores each at once,
    /// at several times the cost.
    #[serde(default = "Writers::default_interval")]
    #[schemars(range(min = 0, max = 5000))]
    pub batch_interval_ms: u32,
    /// MiB of records that may wait or be in work in one writer. Its memory must hold about twice as much.
    #[serde(default = "Writers::default_memory")]
    #[schemars(range(min = 8, max = 4096))]
    pub memory_mib: u32,
    /// Seconds that batches in work get when a writer ends, or a partition goes to another.
    #[serde(default = "Writers::default_drain")]
    #[schemars(range(min = 1, max = 45))]
    pub drain_seconds: u32,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub pod: Pod,
}

impl Writers {
    fn default_min() -> u32 {
        1
    }
    fn default_concurrency() -> u32 {
        16
    }
    fn default_interval() -> u32 {
        500
    }
    fn default_memory() -> u32 {
        64
    }
    fn default_drain() -> u32 {
        10
    }
}

impl Default for Writers {
    fn default() -> Self {
        Self {
            min: Self::default_min(),
            max: None,
            target: WriterTarget::default(),
            scale_down: WriterScaleDown::default(),
            concurrency: Self::default_concurrency(),
            batch_interval_ms: Self::default_interval(),
            memory_mib: Self::default_memory(),
            drain_seconds: Self::default_drain(),
            resources: Resources::default(),
            pod: Pod::default(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterTarget {
    /// The store may be so many seconds behind the log without anything being done.
    #[serde(default = "WriterTarget::default_lag")]
    #[schemars(range(min = 1, max = 3600))]
    pub lag_seconds: u32,
    /// More than that should be caught up with in so many seconds.
    #[serde(default = "WriterTarget::default_drain")]
    #[schemars(range(min = 1, max = 3600))]
    pub drain_seconds: u32,
}

impl WriterTarget {
    fn default_lag() -> u32 {
        5
    }
    fn default_drain() -> u32 {
        60
    }
}

impl Default for WriterTarget {
    fn default() -> Self {
        Self { lag_seconds: Self::default_lag(), drain_seconds: Self::default_drain() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WriterScaleDown {
    /// Fewer writers only after more were not wanted for so long: each change moves partitions.
    #[serde(default = "WriterScaleDown::default_stabilization")]
    #[schemars(range(min = 0, max = 86_400))]
    pub stabilization_seconds: u32,
}

impl WriterScaleDown {
    fn default_stabilization() -> u32 {
        600
    }
}

impl Default for WriterScaleDown {
    fn default() -> Self {
        Self { stabilization_seconds: Self::default_stabilization() }
    }
}
