//! From what the writers said to rates: what comes in, what is stored, what one writer can do.

use super::memory::{Memory, Point};
use super::types::{Flag, Phase, Pod, Problem, Reading, Sample, Spec};
use crate::rounded;

const STALE_PERIODS: f64 = 3.0;
/// Rates are over so many seconds: long enough for batches to even out.
const SPAN_SECONDS: f64 = 60.0;
const POINTS: usize = 24;
/// What is stored right after a hand-over is mostly what waited: it says nothing of what comes in.
const LEAST_SPAN_SECONDS: f64 = 10.0;
/// The rate of a writer is learned over so many seconds of work.
const RATE_SECONDS: f64 = 60.0;
/// Below it a writer's rate says nothing of what it could do.
const LEAST_BUSY: f64 = 0.05;
/// No log holds so many records that are not stored, no writer so many in a second.
const ABSURD: f64 = 1e12;

/// What all writers together do.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub lag_records: f64,
    pub lag_seconds: f64,
    pub stored_per_second: f64,
    /// Records a second of one writer that has enough to do, as the writers say now.
    pub rate: Option<f64>,
    /// Most of the writers are refused by the store.
    pub store_blocked: bool,
    /// All partitions are with writers that work on them, and as many writers are there as were asked for.
    pub settled: bool,
    pub flags: Vec<Flag>,
    /// Every writer was heard.
    pub known: bool,
}

pub(super) fn stale_seconds(spec: &Spec) -> f64 {
    let period = if spec.period_seconds.is_finite() { spec.period_seconds.clamp(0.1, 600.0) } else { 2.0 };
    period * STALE_PERIODS
}

pub(super) fn measure(spec: &Spec, sample: &Sample) -> Load {
    let mut load = Load::default();
    let mut heard: Vec<Reading> = Vec::new();
    for pod in sample.pods.iter().filter(|pod| pod.phase != Phase::Booting) {
        match clean(pod, stale_seconds(spec)) {
            Ok(reading) => heard.push(reading),
            Err(problem) => load.flags.push(Flag { pod: pod.name.clone(), problem }),
        }
    }
    let working: Vec<&Reading> = heard.iter().filter(|reading| reading.partitions > 0).collect();
    load.known = load.flags.is_empty() && !heard.is_empty();
    load.lag_records = heard.iter().map(|reading| reading.lag_records).sum();
    load.lag_seconds = heard.iter().map(|reading| reading.lag_seconds).fold(0.0, f64::max);
    load.stored_per_second = heard.iter().map(|reading| reading.records_per_second).sum();
    load.rate = rate(spec, &working);
    load.store_blocked = 2 * working.iter().filter(|reading| reading.store_blocked).count() > working.len();
    let held: u64 = heard.iter().map(|reading| u64::from(reading.partitions)).sum();
    let serving = sample.pods.iter().filter(|pod| pod.phase == Phase::Serving).count();
    load.settled = held == u64::from(spec.partitions)
        && !heard.iter().any(|reading| reading.joining)
        && serving == sample.pods.len()
        && serving == sample.current as usize;
    load
}

/// A reading that can be used, or what is wrong with it.
fn clean(pod: &Pod, stale: f64) -> Result<Reading, Problem> {
    let reading = pod.reading.ok_or(Problem::Missing)?;
    let values = [reading.lag_records, reading.lag_seconds, reading.records_per_second];
    if values.iter().any(|value| value.is_nan()) || pod.age_seconds.is_nan() {
        return Err(Problem::NotANumber);
    }
    if values.iter().any(|value| *value < 0.0) {
        return Err(Problem::Negative);
    }
    if values.iter().any(|value| *value > ABSURD) {
        return Err(Problem::Absurd);
    }
    if pod.age_seconds > stale {
        return Err(Problem::Stale);
    }
    Ok(reading)
}

/// A writer with a lag works as fast as it can; one without does so in the time that it is busy.
fn rate(spec: &Spec, working: &[&Reading]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for reading in working {
        let behind = reading.lag_seconds > spec.lag_seconds;
        let busy = match reading.busy {
            _ if behind => 1.0,
            Some(busy) if busy >= LEAST_BUSY => busy.min(1.0),
            _ => continue,
        };
        sum += reading.records_per_second / busy;
        count += 1.0;
    }
    (count > 0.0 && sum > 0.0).then_some(sum / count)
}

/// Keeps what was measured, as long as nothing is handed over: lags move with their partitions.
pub(super) fn learn(memory: &mut Memory, load: &Load, now: f64, passed: f64) {
    if !load.known || !load.settled {
        memory.points.clear();
        return;
    }
    memory.points.retain(|point| point.at < now && point.at >= now - SPAN_SECONDS);
    if memory.points.len() >= POINTS {
        // Every other one: what is left still spans the time.
        let mut index = 0;
        memory.points.retain(|_| {
            index += 1;
            index % 2 == 1
        });
    }
    let point = Point {
        at: rounded(now),
        lag_records: rounded(load.lag_records),
        stored_per_second: rounded(load.stored_per_second),
    };
    memory.points.push(point);
    if let Some(rate) = load.rate {
        let weight = if memory.rate > 0.0 { 1.0 - (-passed / RATE_SECONDS).exp() } else { 1.0 };
        memory.rate = rounded(memory.rate + weight * (rate - memory.rate));
    }
}

/// Records a second that come in and that are stored, over the last minute.
pub(super) fn rates(memory: &mut Memory, load: &Load) -> (f64, f64) {
    let (Some(first), Some(last)) = (memory.points.first(), memory.points.last()) else {
        let known = if memory.ingest > 0.0 { memory.ingest } else { load.stored_per_second };
        return (known, load.stored_per_second);
    };
    #[allow(clippy::cast_precision_loss)] // at most 24 points
    let count = memory.points.len() as f64;
    let stored = memory.points.iter().map(|point| point.stored_per_second).sum::<f64>() / count;
    let seconds = last.at - first.at;
    if seconds < LEAST_SPAN_SECONDS {
        return (if memory.ingest > 0.0 { memory.ingest } else { stored }, stored);
    }
    let grown = (last.lag_records - first.lag_records) / seconds;
    memory.ingest = rounded((stored + grown).max(0.0));
    (memory.ingest, stored)
}
