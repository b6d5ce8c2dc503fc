//! From what the gateways said to what is asked of them: cleaned, summed, in pods.

use super::types::{Flag, PerPod, Phase, Pod, Problem, Reading, Resource, Sample, Spec};

/// A reading is stale after so many periods.
const STALE_PERIODS: f64 = 3.0;
/// No pod carries so many times what it can carry.
const ABSURD_TIMES: f64 = 10.0;
/// Until the first boot was measured.
pub(super) const DEFAULT_BOOT_SECONDS: f64 = 30.0;

/// What is asked of all gateways together.
#[derive(Debug, Default)]
pub(super) struct Demand {
    pub resource: Option<Resource>,
    pub total: f64,
    pub per_pod: f64,
    /// Total over what one pod carries at most.
    pub pods: f64,
    /// What the owner would keep free: limit over target, less 1. `None` without a limit.
    pub headroom: Option<f64>,
    /// Busiest gateway over the mean, less 1. `None`: too few gateways to say.
    pub imbalance: Option<f64>,
    /// Age of the oldest reading that was used.
    pub age_seconds: f64,
    pub flags: Vec<Flag>,
    /// At least one reading could be used.
    pub known: bool,
}

/// A finite number above zero, or nothing.
fn positive(value: f64) -> Option<f64> {
    (value.is_finite() && value > 0.0).then_some(value)
}

/// What one pod carries at most, and what it should carry where that is less.
fn carries(per_pod: PerPod) -> Option<(f64, Option<f64>)> {
    let target = positive(per_pod.target);
    let limit = per_pod.limit.and_then(positive).or(target)?;
    Some((limit, target.filter(|target| *target < limit)))
}

pub(super) fn boot_seconds(sample: &Sample) -> f64 {
    sample.boot_seconds.and_then(positive).unwrap_or(DEFAULT_BOOT_SECONDS).min(3_600.0)
}

/// What one pod carries of each resource; 0 where nothing is asked. Demands under different units don't compare.
pub(super) fn units(spec: &Spec) -> Vec<f64> {
    resources(spec).map(|(_, per_pod, _)| per_pod.and_then(carries).map_or(0.0, |(limit, _)| limit)).to_vec()
}

type Read = fn(&Reading) -> Option<f64>;

fn resources(spec: &Spec) -> [(Resource, Option<PerPod>, Read); 3] {
    let target = &spec.target;
    [
        (Resource::Connections, target.connections, |reading| reading.connections),
        (Resource::DeliveriesPerSecond, target.deliveries_per_second, |reading| reading.deliveries_per_second),
        (Resource::CpuPercent, target.cpu_percent, |reading| reading.cpu_percent),
    ]
}

/// Sums up each resource and keeps the one that wants most pods.
pub(super) fn measure(spec: &Spec, sample: &Sample) -> Demand {
    let mut demand = Demand { flags: ages(spec, sample), ..Demand::default() };
    for (resource, per_pod, read) in resources(spec) {
        let Some((limit, target)) = per_pod.and_then(carries) else { continue };
        let Some(sum) = sum(stale_seconds(spec), sample, limit, read, &mut demand.flags) else { continue };
        demand.known = true;
        let pods = sum.total / limit;
        if demand.resource.is_none() || pods > demand.pods {
            demand.resource = Some(resource);
            (demand.total, demand.per_pod, demand.pods) = (sum.total, limit, pods);
            demand.headroom = target.map(|target| limit / target - 1.0);
            demand.imbalance = sum.imbalance;
        }
    }
    demand.age_seconds = used_age(spec, sample);
    demand
}

pub(super) fn stale_seconds(spec: &Spec) -> f64 {
    period_seconds(spec) * STALE_PERIODS
}

pub(super) fn period_seconds(spec: &Spec) -> f64 {
    positive(spec.period_seconds).unwrap_or(2.0).clamp(0.1, 600.0)
}

/// The pods whose readings count: those with clients.
fn carrying(sample: &Sample) -> impl Iterator<Item = &Pod> {
    sample.pods.iter().filter(|pod| pod.phase != Phase::Booting)
}

/// Pods that don't answer. A new one has so much time for its first answer as it may have taken to boot.
fn ages(spec: &Spec, sample: &Sample) -> Vec<Flag> {
    let stale = stale_seconds(spec);
    carrying(sample)
        .filter_map(|pod| {
            let problem = match pod.reading {
                _ if !pod.age_seconds.is_finite() => Problem::NotANumber,
                None if is_new(pod, sample, stale) => return None,
                None => Problem::Missing,
                Some(_) if pod.age_seconds > stale => Problem::Stale,
                Some(_) => return None,
            };
            Some(Flag { pod: pod.name.clone(), problem })
        })
        .collect()
}

fn is_new(pod: &Pod, sample: &Sample, stale: f64) -> bool {
    pod.age_seconds <= 2.0 * boot_seconds(sample) + stale
}

/// The oldest of the readings that are not stale: the horizon starts there.
fn used_age(spec: &Spec, sample: &Sample) -> f64 {
    let stale = stale_seconds(spec);
    carrying(sample)
        .filter(|pod| pod.reading.is_some() && pod.age_seconds.is_finite())
        .map(|pod| pod.age_seconds.clamp(0.0, stale))
        .fold(0.0, f64::max)
}

struct Sum {
    total: f64,
    imbalance: Option<f64>,
}

/// What one pod said of one resource.
enum Said {
    Value(f64),
    /// More than can be: counted as the busiest of the others.
    TooMuch,
    /// Nothing that can be used: counted as the mean of the others.
    Unknown,
    /// It has just begun to serve.
    Nothing,
}

/// `None` when no pod said anything that can be used.
fn sum(stale: f64, sample: &Sample, limit: f64, read: Read, flags: &mut Vec<Flag>) -> Option<Sum> {
    let said: Vec<(Phase, Said)> =
        carrying(sample).map(|pod| (pod.phase, judge(pod, stale, sample, limit, read, flags))).collect();
    let values = || {
        said.iter()
            .filter_map(|(phase, said)| if let Said::Value(value) = said { Some((*phase, *value)) } else { None })
    };
    let known = values().count();
    if known == 0 && !said.iter().any(|(_, said)| matches!(said, Said::TooMuch)) {
        return None;
    }
    let busiest = values().map(|(_, value)| value).fold(0.0, f64::max);
    #[allow(clippy::cast_precision_loss)] // a count of pods
    let mean = values().map(|(_, value)| value).sum::<f64>() / known.max(1) as f64;
    let total = said
        .iter()
        .map(|(_, said)| match said {
            Said::Value(value) => *value,
            Said::TooMuch => busiest.max(limit),
            Said::Unknown => mean,
            Said::Nothing => 0.0,
        })
        .sum();
    Some(Sum { total, imbalance: imbalance(values()) })
}

fn judge(pod: &Pod, stale: f64, sample: &Sample, limit: f64, read: Read, flags: &mut Vec<Flag>) -> Said {
    let Some(reading) = &pod.reading else {
        return if is_new(pod, sample, stale) { Said::Nothing } else { Said::Unknown };
    };
    let mut flag = |problem| flags.push(Flag { pod: pod.name.clone(), problem });
    match read(reading) {
        None => Said::Unknown,
        Some(value) if value.is_nan() => {
            flag(Problem::NotANumber);
            Said::Unknown
        }
        Some(value) if value < 0.0 => {
            flag(Problem::Negative);
            Said::Unknown
        }
        Some(value) if value > limit * ABSURD_TIMES => {
            flag(Problem::Absurd);
            Said::TooMuch
        }
        Some(value) => Said::Value(value),
    }
}

fn imbalance(values: impl Iterator<Item = (Phase, f64)>) -> Option<f64> {
    let (mut count, mut total, mut busiest) = (0.0, 0.0, 0.0_f64);
    for (_, value) in values.filter(|(phase, _)| *phase == Phase::Serving) {
        count += 1.0;
        total += value;
        busiest = busiest.max(value);
    }
    (count >= 2.0 && total > 0.0).then(|| busiest * count / total - 1.0)
}
