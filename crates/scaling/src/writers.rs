//! How many writers.

mod load;
mod memory;
mod types;
mod words;

pub use memory::Memory;
pub use types::{Bound, Decision, Direction, Flag, Inputs, Phase, Pod, Problem, Reading, Sample, Spec};

use load::Load;
use memory::Trial;

use crate::rounded;

/// Room that a step up leaves, and that has to be free before a step down.
const BAND: f64 = 0.1;
/// A step up is judged after so many seconds without a hand-over.
const TRIAL_SECONDS: f64 = 30.0;
/// A step up that brings less than this part of what was added brought nothing: the store is the limit.
const TRIAL_WORTH: f64 = 0.25;
/// The store may have got better after so many seconds.
const RETRY_SECONDS: f64 = 600.0;
/// A hand-over that takes longer is none: a writer is stuck, and the others may need help.
const REBALANCE_SECONDS: f64 = 300.0;

/// Decides how many writers should consume the log.
///
/// Total: it has no error and does not panic, whatever the sample holds.
pub fn decide(spec: &Spec, memory: &Memory, sample: &Sample) -> Decision {
    let mut memory = memory.clone();
    let now = if sample.now.is_finite() { sample.now } else { memory.at.unwrap_or(0.0) };
    let passed = memory.at.map_or(0.0, |at| now - at);
    if passed < 0.0 {
        memory = Memory { rate: memory.rate, ..Memory::default() };
    }
    let load = load::measure(spec, sample);
    if !load.known || passed > load::stale_seconds(spec) {
        memory.window.interrupt(now);
    }
    load::learn(&mut memory, &load, now, passed.max(0.0));
    let mut inputs = inputs(spec, &mut memory, &load, now);
    judge_trial(spec, &mut memory, &load, &inputs, now);
    let (desired, bound) = bounded(spec, &memory, &load, sample.current, now, &mut inputs);
    if desired != sample.current {
        note_change(spec, &mut memory, &load, &inputs, (sample.current, desired), now);
    }
    inputs.partitions_per_pod = share(spec, desired);
    memory.at = Some(rounded(now));
    let direction = match desired.cmp(&sample.current) {
        std::cmp::Ordering::Less => Direction::Down,
        std::cmp::Ordering::Equal => Direction::Hold,
        std::cmp::Ordering::Greater => Direction::Up,
    };
    let reason = words::reason(spec, sample.current, desired, bound, &load, &inputs);
    Decision { desired, direction, reason, bound, flags: load.flags, inputs, memory }
}

fn inputs(spec: &Spec, memory: &mut Memory, load: &Load, now: f64) -> Inputs {
    let (ingest, stored) = load::rates(memory, load);
    let drain = if spec.drain_seconds.is_finite() { spec.drain_seconds.max(1.0) } else { 60.0 };
    // A lag within what is allowed is no debt, nor is the one that a hand-over made before it had time to go.
    let fresh = memory.changed.is_some_and(|changed| (0.0..drain).contains(&(now - changed)));
    let debt = if load.lag_seconds > spec.lag_seconds && !fresh { load.lag_records } else { 0.0 };
    let demand = ingest + debt / drain;
    if load.known {
        memory.window.add(now, demand, stabilization_seconds(spec));
    }
    Inputs {
        ingest_per_second: ingest,
        stored_per_second: stored,
        lag_records: load.lag_records,
        lag_seconds: load.lag_seconds,
        demand_per_second: demand,
        rate_per_pod: memory.rate,
        window_per_second: memory.window.most(),
        ..Inputs::default()
    }
}

fn stabilization_seconds(spec: &Spec) -> f64 {
    if spec.stabilization_seconds.is_finite() { spec.stabilization_seconds.clamp(0.0, 86_400.0) } else { 600.0 }
}

/// Partitions of the writer that has most.
fn share(spec: &Spec, writers: u32) -> u32 {
    spec.partitions.max(1).div_ceil(writers.max(1))
}

/// The fewest writers of which the busiest keeps up with its share. Of all counts with the same largest share the
/// smallest, since the others would only idle.
fn fewest(spec: &Spec, demand: f64, rate: f64) -> u32 {
    let partitions = spec.partitions.max(1);
    let most = if demand > 0.0 { f64::from(partitions) * rate / demand } else { f64::from(partitions) };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 1 and the partitions
    let share = (most + 1e-9).floor().clamp(1.0, f64::from(partitions)) as u32;
    partitions.div_ceil(share)
}

/// The next count above that changes the largest share.
fn next(spec: &Spec, current: u32) -> u32 {
    let share = share(spec, current);
    if share <= 1 { current } else { spec.partitions.max(1).div_ceil(share - 1) }
}

/// Whether the busiest of so many writers keeps up.
fn fits(spec: &Spec, writers: u32, demand: f64, rate: f64) -> bool {
    demand * f64::from(share(spec, writers)) <= rate * f64::from(spec.partitions.max(1))
}

fn bounded(
    spec: &Spec,
    memory: &Memory,
    load: &Load,
    current: u32,
    now: f64,
    inputs: &mut Inputs,
) -> (u32, Option<Bound>) {
    let partitions = spec.partitions.max(1);
    let min = spec.min.clamp(1, partitions);
    let max = spec.max.clamp(min, partitions);
    let kept = current.clamp(min, max);
    inputs.wanted_pods = kept;
    if kept != current {
        let upper = if max == partitions { Bound::Partitions } else { Bound::Max };
        return (kept, Some(if current < min { Bound::Min } else { upper }));
    }
    if !load.known && load.stored_per_second <= 0.0 && load.lag_records <= 0.0 {
        return (kept, (!load.flags.is_empty()).then_some(Bound::MissingData));
    }
    let wanted = wanted(spec, memory, load, current, inputs);
    inputs.wanted_pods = wanted;
    let unsettled = !load.settled || memory.trial.is_some() && wanted > current;
    let recent = memory.changed.is_some_and(|changed| now - changed < REBALANCE_SECONDS);
    match wanted.cmp(&current) {
        std::cmp::Ordering::Equal => (kept, None),
        std::cmp::Ordering::Greater if load.store_blocked || memory.bound_until.is_some() => (kept, Some(Bound::Store)),
        std::cmp::Ordering::Greater if unsettled && recent => (kept, Some(Bound::Rebalance)),
        std::cmp::Ordering::Greater if wanted > max || current == partitions => {
            (max, Some(if max == partitions { Bound::Partitions } else { Bound::Max }))
        }
        std::cmp::Ordering::Greater => (wanted, None),
        std::cmp::Ordering::Less if !load.known => (kept, Some(Bound::MissingData)),
        std::cmp::Ordering::Less if unsettled => (kept, Some(Bound::Rebalance)),
        std::cmp::Ordering::Less => shrunk(spec, memory, current, min, now, inputs),
    }
}

/// What the traffic wants, in counts that make a difference.
fn wanted(spec: &Spec, memory: &Memory, load: &Load, current: u32, inputs: &Inputs) -> u32 {
    let (demand, rate) = (inputs.demand_per_second, memory.rate);
    if rate <= 0.0 {
        // Nothing is known of what a writer can do: one step, if there is a lag that grows.
        let grows = load.lag_seconds > spec.lag_seconds && inputs.ingest_per_second > inputs.stored_per_second;
        return if grows { next(spec, current) } else { current };
    }
    if !fits(spec, current, demand, rate) {
        let count = fewest(spec, demand * (1.0 + BAND), rate);
        // All that there are may still be too few.
        return if share(spec, count) < share(spec, current) { count } else { current.saturating_add(1) };
    }
    let lower = fewest(spec, demand * (1.0 + BAND) / (1.0 - BAND), rate);
    if share(spec, lower) > share(spec, current) { lower } else { current }
}

fn shrunk(spec: &Spec, memory: &Memory, current: u32, min: u32, now: f64, inputs: &Inputs) -> (u32, Option<Bound>) {
    let held = (current, Some(Bound::Stabilization));
    if !memory.window.is_whole(now, stabilization_seconds(spec)) {
        return held;
    }
    let lower = fewest(spec, inputs.window_per_second * (1.0 + BAND) / (1.0 - BAND), memory.rate);
    if share(spec, lower) <= share(spec, current) {
        return held;
    }
    if lower < min {
        return (min, Some(Bound::Min));
    }
    (lower, (lower > inputs.wanted_pods).then_some(Bound::Stabilization))
}

/// Remembers what was stored before a step up that had a lag to work off, to see what it brings.
fn note_change(spec: &Spec, memory: &mut Memory, load: &Load, inputs: &Inputs, change: (u32, u32), now: f64) {
    let (from, to) = change;
    let behind = load.lag_seconds > spec.lag_seconds;
    memory.changed = Some(rounded(now));
    memory.points.clear();
    memory.trial =
        (to > from && behind).then(|| Trial { from, to, stored_per_second: rounded(inputs.stored_per_second) });
}

/// Says what a step up brought, once it has been at work for a while with a lag to work off.
fn judge_trial(spec: &Spec, memory: &mut Memory, load: &Load, inputs: &Inputs, now: f64) {
    let behind = load.lag_seconds > spec.lag_seconds;
    if !behind || memory.bound_until.is_some_and(|until| now >= until) {
        memory.bound_until = None;
    }
    let Some(trial) = memory.trial else { return };
    if !behind && load.known {
        memory.trial = None;
        return;
    }
    let seen = match (memory.points.first(), memory.points.last()) {
        (Some(first), Some(last)) => last.at - first.at,
        _ => 0.0,
    };
    if seen < TRIAL_SECONDS {
        return;
    }
    memory.trial = None;
    let added = f64::from(trial.to) / f64::from(trial.from.max(1)) - 1.0;
    if inputs.stored_per_second < trial.stored_per_second * (1.0 + TRIAL_WORTH * added) {
        memory.bound_until = Some(rounded(now + RETRY_SECONDS));
    }
}
