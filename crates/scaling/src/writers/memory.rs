//! What a decision has to know of the past.

use serde::{Deserialize, Serialize};

use crate::window::Window;

/// What a decision has to know of the past. Opaque; an empty one is a fresh start.
///
/// Bounded: at most 4 KB of JSON, however long it lives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The decision before.
    pub(super) at: Option<f64>,
    /// What all writers together did, while nothing was handed over; oldest first.
    pub(super) points: Vec<Point>,
    /// Records a second that come in, as it was known last.
    pub(super) ingest: f64,
    /// Records a second that one writer stores when it has enough to do. 0: not measured yet.
    pub(super) rate: f64,
    pub(super) window: Window,
    /// When the count was changed last.
    pub(super) changed: Option<f64>,
    /// A step up whose worth is not known yet.
    pub(super) trial: Option<Trial>,
    /// The store is the limit: no step up before this time.
    pub(super) bound_until: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    #[serde(rename = "t")]
    pub at: f64,
    #[serde(rename = "l")]
    pub lag_records: f64,
    #[serde(rename = "r")]
    pub stored_per_second: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Trial {
    pub from: u32,
    pub to: u32,
    /// What was stored before, with a lag to work off.
    pub stored_per_second: f64,
}
