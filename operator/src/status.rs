//! What the ChatCluster says of itself: computed from facts, written only when somebody would see a difference.

use std::time::{Duration, Instant};

use crate::api::{ChatCluster, ChatClusterStatus};
use crate::autoscale::Observation;

pub mod compute;
pub mod conditions;
pub mod facts;
pub mod history;
pub mod problems;

/// Two statuses of one cluster are written no faster.
const LEAST_GAP: Duration = Duration::from_secs(1);
/// Numbers that only move, such as connections, are brought up to date so often.
const NUMBERS_EVERY: Duration = Duration::from_secs(15);
/// What a successor must remember, when nothing else changes. Five hundred idle clusters make 1.7 writes a second of it.
const MEMORY_EVERY: Duration = Duration::from_mins(5);

/// What was written last.
#[derive(Debug, Clone)]
pub struct Written {
    pub status: ChatClusterStatus,
    at: Instant,
    asked: Option<Instant>,
    seen: Option<Glance>,
}

/// Of an observation, what makes a status worth writing.
#[derive(Debug, Clone, PartialEq)]
struct Glance {
    counts: [u32; 8],
    bounds: [Option<String>; 2],
    last: [Option<f64>; 2],
    failures: [Option<String>; 2],
    complaints: Vec<String>,
    failing: Vec<String>,
}

impl Glance {
    fn of(seen: &Observation) -> Self {
        let (gateways, writers) = (&seen.gateways, &seen.writers);
        let mut failing: Vec<String> = seen
            .checks
            .iter()
            .filter(|(_, check)| !check.ok && check.name != "drain")
            .map(|(_, check)| check.name.clone())
            .collect();
        failing.sort();
        failing.dedup();
        let mut complaints: Vec<String> = seen.complaints.iter().map(problems::complaint_name).collect();
        complaints.sort();
        let last =
            [gateways, writers].map(|seen| seen.last_scale_up.into_iter().chain(seen.last_scale_down).reduce(f64::max));
        Self {
            counts: [
                gateways.desired,
                gateways.pods,
                gateways.ready,
                gateways.draining,
                writers.desired,
                writers.pods,
                writers.ready,
                u32::from(!seen.checks.is_empty()),
            ],
            bounds: [gateways.bound.clone(), writers.bound.clone()],
            last,
            failures: [gateways.failure.clone(), writers.failure.clone()],
            complaints,
            failing,
        }
    }
}

/// How far two statuses differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    None,
    /// Only what is remembered, or ages.
    Memory,
    /// Numbers that move all the time.
    Numbers,
    /// Something that people or tools wait for.
    Meaning,
}

impl Written {
    pub fn of(cluster: &ChatCluster, now: Instant) -> Self {
        Self { status: cluster.status.clone().unwrap_or_default(), at: now, asked: None, seen: None }
    }

    /// Whether what a loop saw should lead to a new status. Answers true once for each reason, then waits.
    pub fn due(&mut self, applied: &ChatCluster, seen: &Observation, now: Instant) -> bool {
        if seen.generation != applied.metadata.generation || self.asked.is_some_and(|asked| now - asked < LEAST_GAP) {
            return false;
        }
        let glance = Glance::of(seen);
        let since = now.saturating_duration_since(self.at.max(self.asked.unwrap_or(self.at)));
        let moved = {
            let before = self.status.gateways.as_ref().map_or(0, |gateways| gateways.connections);
            let lag = self.status.writers.as_ref().and_then(|writers| writers.lag_seconds);
            is_other(compute::integer(seen.gateways.connections), before)
                || (seen.writers.lag_seconds.unwrap_or(0.0) - lag.unwrap_or(0.0)).abs() > 1.0
        };
        let due = self.seen.as_ref() != Some(&glance)
            || (moved && since >= NUMBERS_EVERY)
            || (since >= MEMORY_EVERY && seen.gateways.memory.is_some());
        if due {
            self.seen = Some(glance);
            self.asked = Some(now);
        }
        due
    }

    /// Whether `next` is to be written now.
    pub fn wants(&self, next: &ChatClusterStatus, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.at);
        match difference(&self.status, next) {
            Difference::None => false,
            Difference::Memory => since >= MEMORY_EVERY,
            Difference::Numbers => since >= NUMBERS_EVERY,
            Difference::Meaning => true,
        }
    }

    pub fn wrote(&mut self, status: ChatClusterStatus, now: Instant) {
        self.status = status;
        self.at = now;
    }
}

/// More than one in fifty.
fn is_other(now: i64, before: i64) -> bool {
    (now - before).unsigned_abs() > before.unsigned_abs() / 50
}

fn difference(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Difference {
    if before == after {
        return Difference::None;
    }
    let (mut a, mut b) = (before.clone(), after.clone());
    for status in [&mut a, &mut b] {
        let gateways = status.gateways.as_mut().map(|gateways| &mut gateways.scaling);
        let writers = status.writers.as_mut().map(|writers| &mut writers.scaling);
        for scaling in gateways.into_iter().chain(writers) {
            scaling.memory = None;
            scaling.metrics_age_seconds = None;
        }
    }
    if a == b {
        return Difference::Memory;
    }
    for status in [&mut a, &mut b] {
        if let Some(gateways) = &mut status.gateways {
            gateways.connections = 0;
            gateways.connections_per_pod = None;
        }
        if let Some(writers) = &mut status.writers {
            writers.lag_records = None;
            writers.lag_seconds = None;
        }
    }
    if a == b { Difference::Numbers } else { Difference::Meaning }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{GatewayStatus, ScalingStatus};

    fn status(connections: i64, ready: u32, memory: i64) -> ChatClusterStatus {
        let scaling = ScalingStatus { memory: Some(memory.to_string()), ..ScalingStatus::default() };
        let gateways = GatewayStatus { ready, connections, scaling, ..GatewayStatus::default() };
        ChatClusterStatus { gateways: Some(gateways), ..ChatClusterStatus::default() }
    }

    #[test]
    fn what_people_wait_for_is_written_at_once_and_the_rest_in_time() {
        let begin = Instant::now();
        let written = Written { status: status(5, 1, 1), at: begin, asked: None, seen: None };
        let after = |seconds| begin + Duration::from_secs(seconds);
        assert!(!written.wants(&status(5, 1, 1), after(9_999)));
        assert!(written.wants(&status(5, 2, 1), after(0)));
        assert!(!written.wants(&status(6, 1, 1), after(14)));
        assert!(written.wants(&status(6, 1, 1), after(15)));
        assert!(!written.wants(&status(5, 1, 2), after(299)));
        assert!(written.wants(&status(5, 1, 2), after(300)));
    }
}
