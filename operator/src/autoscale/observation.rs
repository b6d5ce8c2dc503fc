//! What a scaling loop saw in its last period: the source of the status.

use crate::api::Decision;
use crate::autoscale::fleet::Complaint;
use crate::scrape::client::Check;

#[derive(Debug, Clone, Default)]
pub struct Observation {
    /// Periods so far; 0: none yet.
    pub taken: u32,
    /// Of the spec that was gone by.
    pub generation: Option<i64>,
    pub gateways: Seen,
    pub writers: Seen,
    pub complaints: Vec<Complaint>,
    /// What pods said of their backends: name of the pod, and the check.
    pub checks: Vec<(String, Check)>,
}

/// Of one component.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// How many should serve. 0: not decided yet.
    pub desired: u32,
    pub pods: u32,
    pub ready: u32,
    pub draining: u32,
    pub booting: u32,
    pub connections: f64,
    pub connections_most: f64,
    pub lag_records: Option<f64>,
    pub lag_seconds: Option<f64>,
    pub metrics_age_seconds: Option<f64>,
    /// What kept the last decision from what the traffic wanted, in the engine's word.
    pub bound: Option<String>,
    /// The reason of the last decision, also of one that changed nothing.
    pub reason: String,
    /// Decisions that changed the number, the newest first.
    pub decisions: Vec<Decision>,
    pub last_scale_up: Option<f64>,
    pub last_scale_down: Option<f64>,
    /// For the status: what a successor must remember.
    pub memory: Option<String>,
    /// Why the last change could not be made.
    pub failure: Option<String>,
}
