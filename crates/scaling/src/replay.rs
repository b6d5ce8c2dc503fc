//! Replays traffic through a policy: when would capacity have been short, and what would it have cost?
//!
//! The model, and what it leaves out, is described in `docs/reference/scaling.md`.

mod fleet;
pub mod plot;
mod traffic;

use serde::Serialize;

pub use fleet::Fleet;
pub use traffic::{SessionLength, TraceError, parse, sessions};

/// The world that a policy is tried in.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// What one gateway can carry.
    pub capacity: f64,
    /// What a policy with a fixed target aims at, in percent of the capacity.
    pub target_percent: f64,
    /// From asking for a gateway to its serving.
    pub boot_seconds: u32,
    /// How long a gateway lives on after it was asked to leave, until its sessions have moved.
    pub drain_seconds: u32,
    /// Age of what the metrics pipeline gives (HPA, KEDA).
    pub metric_lag_seconds: u32,
    /// How often the operator asks the gateways itself (elastic).
    pub scrape_seconds: u32,
    /// How far the busiest gateway is above the mean, in percent.
    pub imbalance_percent: f64,
    pub min: u32,
    pub max: u32,
}

impl Default for World {
    fn default() -> Self {
        World {
            capacity: 10_000.0,
            target_percent: 70.0,
            boot_seconds: 30,
            drain_seconds: 120,
            metric_lag_seconds: 15,
            scrape_seconds: 2,
            imbalance_percent: 0.0,
            min: 1,
            max: 10_000,
        }
    }
}

impl World {
    /// What one gateway should carry by the target.
    pub fn target(&self) -> f64 {
        self.capacity * self.target_percent / 100.0
    }

    /// What the gateways can carry together when the busiest is full.
    fn carries(&self, gateways: u32) -> f64 {
        f64::from(gateways) * self.capacity / (1.0 + self.imbalance_percent / 100.0)
    }
}

/// Decides how many gateways there should be.
pub trait Policy {
    fn name(&self) -> &'static str;

    /// Seconds between two decisions.
    fn period_seconds(&self) -> u32;

    /// How many gateways are asked for from now on.
    fn decide(&mut self, view: &View<'_>) -> u32;

    /// Whether a gateway that drains can be called back. Who deletes the pod can't.
    fn takes_back(&self) -> bool {
        false
    }
}

/// What a policy may look at: the past.
pub struct View<'a> {
    pub world: &'a World,
    pub second: usize,
    pub fleet: &'a Fleet,
    sessions: &'a [f64],
    serving: &'a [u32],
}

impl View<'_> {
    /// Sessions so many seconds ago, or at the start when that was later.
    pub fn sessions(&self, seconds_ago: u32) -> f64 {
        self.sessions[self.second.saturating_sub(seconds_ago as usize)]
    }

    /// Gateways that served so many seconds ago.
    pub fn serving(&self, seconds_ago: u32) -> u32 {
        match self.second.checked_sub(seconds_ago as usize).and_then(|second| self.serving.get(second)) {
            Some(serving) => *serving,
            None => self.serving.first().copied().unwrap_or_else(|| self.fleet.serving()),
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    pub policy: &'static str,
    /// Seconds in which the sessions did not fit on the gateways that served.
    pub seconds_under: u64,
    /// The longest stretch of them.
    pub worst_run_seconds: u64,
    /// Of all gateways: those that boot, serve and drain.
    pub pod_hours: f64,
    /// Changes of the number that was asked for.
    pub actions: u64,
    /// Actions in the other direction than the one before.
    pub direction_changes: u64,
}

/// An outcome and the way to it.
#[derive(Debug, Clone)]
pub struct Replay {
    pub outcome: Outcome,
    /// Gateways that served, second by second.
    pub serving: Vec<u32>,
}

/// Replays concurrent sessions, second by second.
///
/// Every policy begins with the gateways that the target asks for at the first second, all of them serving.
pub fn replay(world: &World, sessions: &[f64], policy: &mut dyn Policy) -> Replay {
    let first = sessions.first().copied().unwrap_or(0.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let begin = ((first / world.target()).ceil() as u32).clamp(world.min, world.max);
    let mut fleet = Fleet::new(begin);
    let mut serving: Vec<u32> = Vec::with_capacity(sessions.len());
    let mut tally = Tally::default();
    let period = policy.period_seconds().max(1) as usize;
    for second in 0..sessions.len() {
        fleet.advance(second);
        if second % period == 0 {
            let view = View { world, second, fleet: &fleet, sessions, serving: &serving };
            let wanted = policy.decide(&view).clamp(world.min, world.max);
            tally.action(fleet.asked(), wanted);
            fleet.ask(wanted, second, world, policy.takes_back());
        }
        serving.push(fleet.serving());
        tally.second(sessions[second] > world.carries(fleet.serving()), fleet.pods());
    }
    Replay { outcome: tally.outcome(policy.name()), serving }
}

#[derive(Default)]
struct Tally {
    under: u64,
    run: u64,
    worst_run: u64,
    pod_seconds: u64,
    actions: u64,
    direction_changes: u64,
    last: Option<std::cmp::Ordering>,
}

impl Tally {
    fn action(&mut self, asked: u32, wanted: u32) {
        let direction = wanted.cmp(&asked);
        if direction.is_ne() {
            self.actions += 1;
            self.direction_changes += u64::from(self.last.is_some_and(|last| last != direction));
            self.last = Some(direction);
        }
    }

    fn second(&mut self, short: bool, pods: u32) {
        self.pod_seconds += u64::from(pods);
        self.run = if short { self.run + 1 } else { 0 };
        self.under += u64::from(short);
        self.worst_run = self.worst_run.max(self.run);
    }

    fn outcome(&self, policy: &'static str) -> Outcome {
        #[allow(clippy::cast_precision_loss)] // far below 2^52
        let pod_hours = self.pod_seconds as f64 / 3_600.0;
        Outcome {
            policy,
            seconds_under: self.under,
            worst_run_seconds: self.worst_run,
            pod_hours: (pod_hours * 100.0).round() / 100.0,
            actions: self.actions,
            direction_changes: self.direction_changes,
        }
    }
}
