//! What the decision on writers is made from, and what comes out.

use serde::{Deserialize, Serialize};

use super::memory::Memory;

pub use crate::gateways::{Direction, Flag, Phase, Problem};

/// What the owner of the cluster asked for: `spec.writers` of a `ChatCluster`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Never fewer. At least 1.
    pub min: u32,
    /// Never more, and never more than `partitions`.
    pub max: u32,
    /// Partitions of the log. At least 1.
    pub partitions: u32,
    /// A lag of up to so many seconds is nothing to react to.
    #[serde(default = "default_lag")]
    pub lag_seconds: f64,
    /// A lag above it should be gone after so many seconds.
    #[serde(default = "default_drain")]
    pub drain_seconds: f64,
    /// Fewer only after more was not wanted for so many seconds.
    #[serde(default = "default_stabilization")]
    pub stabilization_seconds: f64,
    /// How often readings are taken, in seconds. A reading older than three periods is stale.
    #[serde(default = "default_period")]
    pub period_seconds: f64,
}

fn default_lag() -> f64 {
    5.0
}

fn default_drain() -> f64 {
    60.0
}

fn default_stabilization() -> f64 {
    600.0
}

fn default_period() -> f64 {
    2.0
}

/// What is known at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the Unix epoch.
    pub now: f64,
    /// How many writers are asked for now.
    pub current: u32,
    /// Every writer pod that exists.
    pub pods: Vec<Pod>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    pub name: String,
    /// `Booting` also while it waits to be given partitions.
    pub phase: Phase,
    /// Seconds since the reading was taken; since the pod was created when there is none.
    pub age_seconds: f64,
    /// The last one that was had. `None`: never answered.
    pub reading: Option<Reading>,
}

/// What a writer said of itself; rates are over the time since the reading before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// Partitions that it consumes.
    pub partitions: u32,
    pub lag_records: f64,
    /// Age of the oldest record that is not stored.
    pub lag_seconds: f64,
    pub records_per_second: f64,
    /// Share of the time that it spent on batches, 0 to 1: `Δbatch_seconds_total / Δt`, of one batch at a time. `None` if not known.
    pub busy: Option<f64>,
    /// The store refuses or times out: more writers would not help.
    pub store_blocked: bool,
    /// It waits for partitions.
    pub joining: bool,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// How many writers there should be. Compare with [`Sample::current`].
    pub desired: u32,
    pub direction: Direction,
    /// In words, with the numbers: one sentence for events, the status and `explain`.
    pub reason: String,
    /// What kept the decision from being what the traffic wanted.
    pub bound: Option<Bound>,
    /// Readings that are missing, stale or can't be true.
    pub flags: Vec<Flag>,
    pub inputs: Inputs,
    /// To be given to the next decision, and to be kept over a restart. At most 4 KB of JSON.
    pub memory: Memory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Bound {
    Min,
    Max,
    /// One writer for each partition: there is no more to share.
    Partitions,
    /// The last writer that was added brought no throughput, or the store refuses: this is `WritersBound`.
    Store,
    /// Partitions are being handed over; nothing is changed before that is over.
    Rebalance,
    /// More was wanted not long ago.
    Stabilization,
    /// Readings are missing or stale: nothing shrinks.
    MissingData,
}

/// The numbers behind a decision.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// Records a second that come into the log.
    pub ingest_per_second: f64,
    /// Records a second that the writers store.
    pub stored_per_second: f64,
    pub lag_records: f64,
    pub lag_seconds: f64,
    /// Records a second that are to be stored: ingest and the lag over `drainSeconds`.
    pub demand_per_second: f64,
    /// Records a second that one writer was seen to store when it had enough to do. 0: not measured yet.
    pub rate_per_pod: f64,
    /// Before any bound.
    pub wanted_pods: u32,
    /// The most records a second that were to be stored in the stabilisation window.
    pub window_per_second: f64,
    /// Partitions of the writer that has most, with `desired` writers.
    pub partitions_per_pod: u32,
}
