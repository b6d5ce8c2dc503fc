//! Agones: `FleetAutoscaler` with a buffer.

use crate::replay::{Policy, View};
use crate::whole_pods as ceil;

/// Part of all places that is to be free.
const BUFFER: f64 = 0.2;

/// The Counter policy with `bufferSize: 20%`: the fleet has so many places that a fifth of them is free. Counters
/// are the form of the buffer for servers that hold many sessions; with the plain buffer, which counts whole servers as taken or free,
/// the fleet would be larger by the rounding.
pub struct Agones;

impl Policy for Agones {
    fn name(&self) -> &'static str {
        "agones"
    }

    /// `spec.sync.fixedInterval.seconds`.
    fn period_seconds(&self) -> u32 {
        30
    }

    fn decide(&mut self, view: &View<'_>) -> u32 {
        // Counters are updated by the servers themselves, within a second.
        let places = (view.sessions(1) / (1.0 - BUFFER)).ceil();
        ceil(places / view.world.capacity).max(1)
    }
}
