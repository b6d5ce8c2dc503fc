//! Shrinking without cutting anyone.
//!
//! A gateway leaves in four steps, each of them written on the pod before the next is taken, so that an operator that
//! takes over in the middle goes on where the other stopped:
//!
//! 1. `elastic-chat.io/draining-since` is written on the pod.
//! 2. `POST /drain`: it turns unready and asks its clients to move (a repeat changes nothing).
//! 3. Nobody is connected any longer, or the time is over: `elastic-chat.io/drained-at` and a pod deletion cost are written.
//! 4. Both are visible on the pod: replicas are lowered, by exactly the pods that are done.
//!
//! [`plan`] is pure: pods with their marks, and how many are wanted; out come the next steps. Doing none, some or all of
//! them, and asking again, is always right.

use std::cmp::Reverse;

use crate::scrape::load::State;

pub mod marks;

pub use marks::Marks;

/// A drain that is over by its clock is given so many seconds more: its last `goaway` is on its way.
pub const GRACE_SECONDS: f64 = 5.0;
/// Between the deletion cost being seen here and replicas being lowered, in seconds: the ReplicaSet controller watches
/// pods and replicas separately, and must know the cost when it chooses.
pub const SETTLE_SECONDS: f64 = 1.0;

/// One gateway pod.
#[derive(Debug, Clone, Default)]
pub struct Gateway {
    pub name: String,
    /// Seconds since the Unix epoch.
    pub created: f64,
    pub ready: bool,
    /// Not yet running: not scheduled, or its image is being pulled.
    pub pending: bool,
    pub terminating: bool,
    /// `None`: it never said.
    pub connections: Option<f64>,
    /// What it said last. `None`: it does not answer.
    pub state: Option<State>,
    pub marks: Marks,
}

#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Over which clients are asked to move.
    pub drain_seconds: f64,
    /// So many gateways drain at once. At least 1.
    pub max_draining: u32,
    /// No new drain begins: readings are missing, or somebody paused the cluster.
    pub frozen: bool,
    /// A rollout is going on: the Deployment replaces pods by itself, and nothing is lowered.
    pub rolling: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Write `draining-since`, and take away what says that it is over.
    Mark { pod: String },
    /// `POST /drain`.
    Drain { pod: String, seconds: u32 },
    /// Write `drained-at` and the deletion cost. `left`: sessions that will be cut.
    Finish { pod: String, left: f64 },
    /// `DELETE /drain`, then remove the marks.
    TakeBack { pod: String },
    /// Set replicas.
    Scale { from: u32, to: u32 },
}

/// The gateways that count, sorted into what they are for the plan.
struct Fleet<'a> {
    /// Not terminating.
    alive: u32,
    serving: Vec<&'a Gateway>,
    draining: Vec<&'a Gateway>,
    /// Deletions that are ordered (replicas are lowered) but not seen yet.
    ordered: u32,
}

impl<'a> Fleet<'a> {
    fn of(pods: &'a [Gateway], replicas: u32, rolling: bool) -> Self {
        let alive: Vec<&Gateway> = pods.iter().filter(|pod| !pod.terminating).collect();
        let (draining, serving): (Vec<&Gateway>, Vec<&Gateway>) =
            alive.iter().partition(|pod| pod.marks.draining_since.is_some());
        let finished = count(draining.iter().filter(|pod| pod.marks.finished()).count());
        // In a rollout there are more pods than replicas anyway.
        let ordered = if rolling { 0 } else { count(alive.len()).saturating_sub(replicas).min(finished) };
        Self { alive: count(alive.len()), serving, draining, ordered }
    }

    /// Gateways that will serve when everything begun so far is over: those asked for, without those that leave.
    fn committed(&self, replicas: u32) -> u32 {
        replicas.saturating_sub(count(self.draining.len()).saturating_sub(self.ordered))
    }
}

/// How many gateways are asked for, those that drain not counted: what the decision compares with.
pub fn committed(pods: &[Gateway], replicas: u32, rolling: bool) -> u32 {
    Fleet::of(pods, replicas, rolling).committed(replicas)
}

/// The next steps towards `desired` gateways that serve. `replicas` is what the Deployment asks for now, `now` is in
/// seconds since the Unix epoch.
pub fn plan(pods: &[Gateway], replicas: u32, desired: u32, policy: &Policy, now: f64) -> Vec<Step> {
    let fleet = Fleet::of(pods, replicas, policy.rolling);
    let committed = fleet.committed(replicas);
    let mut steps = Vec::new();
    let mut back: Vec<&Gateway> = Vec::new();
    if desired > committed {
        back = returning(&fleet, desired - committed);
        steps.extend(back.iter().map(|pod| Step::TakeBack { pod: pod.name.clone() }));
        let missing = desired - committed - count(back.len());
        if missing > 0 {
            steps.push(Step::Scale { from: replicas, to: replicas + missing });
        }
    }
    let leaving: Vec<&Gateway> =
        fleet.draining.iter().copied().filter(|pod| !back.iter().any(|taken| taken.name == pod.name)).collect();
    steps.extend(leaving.iter().filter_map(|pod| progress(pod, policy, fleet.ordered > 0, now)));
    if desired > committed || policy.rolling {
        return steps;
    }
    let lowered = lower(&fleet, &leaving, replicas, desired, policy, now);
    if let Some(to) = lowered {
        steps.push(Step::Scale { from: replicas, to });
    } else if !policy.frozen {
        steps.extend(victims(&fleet, committed - desired, policy));
    }
    steps
}

/// Those that are taken back before anything new is created: the ones that have most to lose first. One whose deletion
/// may be ordered, or that does not answer, can't be.
fn returning<'a>(fleet: &Fleet<'a>, wanted: u32) -> Vec<&'a Gateway> {
    let mut pods: Vec<&Gateway> = fleet
        .draining
        .iter()
        .copied()
        .filter(|pod| pod.state.is_some() && (fleet.ordered == 0 || !pod.marks.finished()))
        .collect();
    pods.sort_by(|a, b| {
        let key = |pod: &Gateway| (pod.marks.finished(), Reverse(whole(pod.connections.unwrap_or(0.0))));
        key(a).cmp(&key(b)).then_with(|| a.name.cmp(&b.name))
    });
    pods.truncate(wanted as usize);
    pods
}

/// What one draining pod needs next.
fn progress(pod: &Gateway, policy: &Policy, ordered: bool, now: f64) -> Option<Step> {
    let since = pod.marks.draining_since?;
    let serves = matches!(pod.state, Some(State::Serving | State::Starting));
    if pod.marks.finished() {
        // It had not come up when it was given up, and now it has: its drain begins anew. Not while a deletion is under
        // way: without its marks the ReplicaSet controller would take any other.
        return (serves && !ordered).then(|| Step::Mark { pod: pod.name.clone() });
    }
    let over = now >= since + policy.drain_seconds + GRACE_SECONDS;
    // It never served: there is nobody to move.
    let empty = pod.state == Some(State::Drained) || (!pod.ready && pod.connections.is_none() && pod.state.is_none());
    if over || empty {
        let left = if empty { 0.0 } else { pod.connections.unwrap_or(0.0) };
        return Some(Step::Finish { pod: pod.name.clone(), left });
    }
    let left = (since + policy.drain_seconds - now).clamp(1.0, 3_600.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 1 to 3,600
    serves.then(|| Step::Drain { pod: pod.name.clone(), seconds: left as u32 })
}

/// The replicas without the pods that are done. A pod that is still to be created, or pending, would be what the
/// ReplicaSet controller removes first, so then nothing is lowered but what was never created.
fn lower(
    fleet: &Fleet<'_>,
    leaving: &[&Gateway],
    replicas: u32,
    desired: u32,
    policy: &Policy,
    now: f64,
) -> Option<u32> {
    let unborn = replicas.saturating_sub(fleet.alive);
    let over = fleet.committed(replicas).saturating_sub(desired);
    if unborn > 0 {
        let dropped = unborn.min(over);
        return (dropped > 0 && !policy.frozen).then(|| replicas - dropped);
    }
    if fleet.serving.iter().any(|pod| pod.pending) {
        return None;
    }
    let serves = |pod: &Gateway| matches!(pod.state, Some(State::Serving | State::Starting));
    // Which of those that are finished goes is not ours to choose: all must be empty.
    if leaving.iter().any(|pod| pod.marks.finished() && serves(pod)) {
        return None;
    }
    let done = leaving.iter().filter(|pod| pod.marks.removable(now)).count();
    let lowered = count(done).saturating_sub(fleet.ordered).min(replicas);
    (lowered > 0).then(|| replicas - lowered)
}

/// New drains: those that don't serve first, then the fewest connections, then the newest.
fn victims(fleet: &Fleet<'_>, over: u32, policy: &Policy) -> Vec<Step> {
    let going = count(fleet.draining.len()).saturating_sub(fleet.ordered);
    let room = policy.max_draining.max(1).saturating_sub(going);
    let mut pods = fleet.serving.clone();
    pods.sort_by(|a, b| {
        let key = |pod: &Gateway| {
            let silent = pod.ready && pod.connections.is_none(); // who knows how many it has
            (!pod.pending, pod.ready, silent, whole(pod.connections.unwrap_or(0.0)))
        };
        key(a).cmp(&key(b)).then_with(|| b.created.total_cmp(&a.created)).then_with(|| a.name.cmp(&b.name))
    });
    pods.iter().take(over.min(room) as usize).map(|pod| Step::Mark { pod: pod.name.clone() }).collect()
}

fn count(pods: usize) -> u32 {
    u32::try_from(pods).unwrap_or(u32::MAX)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bounded by what a load may say
fn whole(connections: f64) -> u64 {
    connections.max(0.0) as u64
}

#[cfg(test)]
mod tests;
