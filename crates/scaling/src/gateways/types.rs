//! What the decision on gateways is made from, and what comes out.

use serde::{Deserialize, Serialize};

use super::memory::Memory;

/// What the owner of the cluster asked for: `spec.gateways` of a `ChatCluster`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Never fewer. At least 1.
    pub min: u32,
    /// Never more; `min` wins where it is larger.
    pub max: u32,
    pub target: Target,
    /// How far to look ahead, in seconds. `None`: one measured boot time ([`Sample::boot_seconds`]). The age of the
    /// readings and the time between two decisions are always added.
    #[serde(default)]
    pub look_ahead_seconds: Option<f64>,
    /// The largest step up in one decision.
    #[serde(default)]
    pub max_step: Step,
    /// Capacity goes only after it was not wanted for so many seconds.
    #[serde(default = "default_stabilization")]
    pub stabilization_seconds: f64,
    /// How often readings are taken, in seconds. A reading older than three periods is stale.
    #[serde(default = "default_period")]
    pub period_seconds: f64,
}

fn default_stabilization() -> f64 {
    300.0
}

fn default_period() -> f64 {
    2.0
}

/// What one gateway should carry. A resource without a value is not looked at; with none at all, `min` is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    pub connections: Option<PerPod>,
    pub deliveries_per_second: Option<PerPod>,
    /// In percent of what the pod may use.
    pub cpu_percent: Option<PerPod>,
}

/// One resource of one gateway.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PerPod {
    /// What a gateway should carry while nothing is known of the traffic.
    pub target: f64,
    /// What a gateway can carry at most. With it, the headroom between target and limit is no constant: it shrinks
    /// to what the traffic was seen to need, and never grows beyond. Without it, the target is taken as the limit.
    #[serde(default)]
    pub limit: Option<f64>,
}

/// The largest step up in one decision.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// In percent of the gateways that are wanted now; at least one pod.
    Percent(f64),
    Pods(u32),
}

impl Default for Step {
    fn default() -> Self {
        Step::Percent(100.0)
    }
}

/// What is known at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Seconds since the Unix epoch.
    pub now: f64,
    /// How many gateways are asked for now, without those that drain.
    pub current: u32,
    /// From a pod's creation to its serving, in seconds, p95 of what was measured. `None` before the first was.
    pub boot_seconds: Option<f64>,
    /// Every gateway pod that exists, also those that boot or drain.
    pub pods: Vec<Pod>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    pub name: String,
    pub phase: Phase,
    /// Seconds since the reading was taken; since the pod was created when there is none.
    pub age_seconds: f64,
    /// The last one that was had. `None`: never answered.
    pub reading: Option<Reading>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
    /// Created, not ready yet.
    Booting,
    Serving,
    /// Its connections are leaving: they count, its capacity does not.
    Draining,
}

/// What a gateway said of itself. A value that it can't say is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    pub connections: Option<f64>,
    pub deliveries_per_second: Option<f64>,
    pub cpu_percent: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resource {
    Connections,
    DeliveriesPerSecond,
    CpuPercent,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// How many gateways should serve (those that drain not counted). Compare with [`Sample::current`].
    pub desired: u32,
    pub direction: Direction,
    /// In words, with the numbers: one sentence for events, the status and `explain`.
    pub reason: String,
    /// What kept the decision from being what the traffic wanted.
    pub bound: Option<Bound>,
    /// Readings that are missing, stale or can't be true. Not empty: the cluster is Degraded.
    pub flags: Vec<Flag>,
    pub inputs: Inputs,
    /// To be given to the next decision, and to be kept over a restart. At most 4 KB of JSON.
    pub memory: Memory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    Hold,
    Up,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Bound {
    /// `spec.gateways.min`.
    Min,
    /// `spec.gateways.max`: capacity may be short. This is `ScalingLimited`.
    Max,
    /// `scaleUp.maxStep`: the rest follows with the next decisions.
    MaxStep,
    /// `scaleDown.stabilizationSeconds`: more was wanted not long ago.
    Stabilization,
    /// Gateways still drain: one step down at a time.
    Draining,
    /// Readings are missing or stale: nothing shrinks.
    MissingData,
}

/// A reading that was not taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    pub pod: String,
    pub problem: Problem,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Problem {
    /// No reading, though the pod serves.
    Missing,
    /// The last reading is older than three periods.
    Stale,
    /// Below zero: taken as zero, and nothing shrinks by it.
    Negative,
    /// More than a pod can carry by far: clamped.
    Absurd,
    /// Not a number or infinite: taken as missing.
    NotANumber,
}

/// The numbers behind a decision. Pods are of what one pod should carry and so have fractions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The resource that wants most gateways. `None` without targets or readings.
    pub resource: Option<Resource>,
    /// Its total over all gateways.
    pub total: f64,
    /// What one gateway carries of it at most.
    pub per_pod: f64,
    /// `total / per_pod`.
    pub demand_pods: f64,
    /// How demand surely grows, in pods a second: the lower confidence limit of a robust slope.
    pub slope_pods_per_second: f64,
    /// How far ahead, in seconds: boot, age of the readings, time between decisions.
    pub horizon_seconds: f64,
    /// Demand at the horizon by the slope.
    pub forecast_pods: f64,
    /// Kept for a burst that no slope shows, in pods.
    pub reserve_pods: f64,
    /// Busiest gateway over the mean as it was learned, 1 = even.
    pub imbalance: f64,
    /// Forecast, reserve and imbalance together: what has to be there at the horizon.
    pub needed_pods: f64,
    /// The same with the room that a step leaves, so that the next one is not due at once.
    pub roomy_pods: f64,
    /// What is wanted now, before any bound.
    pub wanted_pods: u32,
    /// The largest `roomy_pods` of the stabilisation window.
    pub window_pods: f64,
    pub boot_seconds: f64,
    /// Age of the oldest reading that was used.
    pub metric_age_seconds: f64,
    pub serving: u32,
    pub booting: u32,
    pub draining: u32,
}
