//! What a decision has to know of the past.

use serde::{Deserialize, Serialize};

use super::reserve::Reserve;
use super::trend::Trend;
use crate::window::Window;

/// What a decision has to know of the past. Opaque; an empty one is a fresh start.
///
/// Bounded: at most 4 KB of JSON, however long it lives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// The decision before.
    pub(super) at: Option<f64>,
    /// What one pod carried by the spec of the decision before: demand in pods means something else when it changes.
    pub(super) units: Vec<f64>,
    /// The last step up.
    pub(super) raised: Option<f64>,
    pub(super) trend: Trend,
    pub(super) window: Window,
    pub(super) reserve: Reserve,
    /// Busiest gateway over the mean, less 1; a slow average.
    pub(super) imbalance: f64,
}
