//! How many gateways.

mod demand;
mod memory;
mod reserve;
mod trend;
mod types;
mod words;

pub use memory::Memory;
pub use types::{
    Bound, Decision, Direction, Flag, Inputs, PerPod, Phase, Pod, Problem, Reading, Resource, Sample, Spec, Step,
    Target,
};

use demand::Demand;

use crate::{rounded, whole_pods as pods};

/// A step up leaves so much room above a slow mean of demand, unless the reserve is more anyway: what drifts slowly
/// is followed in steps of so much, not pod by pod.
const ROOM: f64 = 0.125;
/// A step down frees as much as a step up leaves, but for what the reserve keeps free anyway; at least so much.
const LEAST_STEP_DOWN: f64 = 0.05;
/// The imbalance is learned over so many seconds: what a scale-up brings for minutes is no trait of the balancer.
const IMBALANCE_SECONDS: f64 = 1_800.0;
/// A gateway far above the mean is what shedding is for, not more gateways.
const MOST_IMBALANCE: f64 = 0.25;

/// Decides how many gateways should serve.
///
/// Total: it has no error and does not panic, whatever the sample holds. Readings that can't be true are clamped and
/// named in [`Decision::flags`].
pub fn decide(spec: &Spec, memory: &Memory, sample: &Sample) -> Decision {
    let mut memory = memory.clone();
    let now = if sample.now.is_finite() { sample.now } else { memory.at.unwrap_or(0.0) };
    let demand = demand::measure(spec, sample);
    let passed = enter(&mut memory, spec, now);
    let mut inputs = count(spec, sample, &demand);
    if demand.known {
        look_ahead(&mut memory, spec, now, passed, &demand, &mut inputs);
    } else {
        memory.window.interrupt(now);
    }
    inputs.window_pods = memory.window.most();
    let (desired, bound) = bounded(spec, &memory, now, sample.current, &demand, &mut inputs);
    memory.at = Some(rounded(now));
    if desired > sample.current {
        memory.raised = Some(rounded(now));
    }
    let direction = match desired.cmp(&sample.current) {
        std::cmp::Ordering::Less => Direction::Down,
        std::cmp::Ordering::Equal => Direction::Hold,
        std::cmp::Ordering::Greater => Direction::Up,
    };
    let reason = words::reason(spec, sample.current, desired, bound, &demand, &inputs);
    Decision { desired, direction, reason, bound, flags: demand.flags, inputs, memory }
}

/// Makes the memory fit to now, and gives the seconds since the decision before.
fn enter(memory: &mut Memory, spec: &Spec, now: f64) -> f64 {
    let units = demand::units(spec);
    let passed = memory.at.map_or(0.0, |at| now - at);
    if memory.units != units || passed < -demand::stale_seconds(spec) {
        memory.trend.clear();
        memory.reserve.clear();
        memory.window.restart(now);
        memory.units = units;
    } else if passed > demand::stale_seconds(spec) {
        memory.window.interrupt(now);
    }
    memory.reserve.advance(now);
    passed.max(0.0)
}

fn count(spec: &Spec, sample: &Sample, demand: &Demand) -> Inputs {
    let of = |phase| u32::try_from(sample.pods.iter().filter(|pod| pod.phase == phase).count()).unwrap_or(u32::MAX);
    let boot = demand::boot_seconds(sample);
    let ahead =
        spec.look_ahead_seconds.filter(|ahead| ahead.is_finite()).map_or(boot, |ahead| ahead.clamp(0.0, 3_600.0));
    Inputs {
        resource: demand.resource,
        total: demand.total,
        per_pod: demand.per_pod,
        demand_pods: demand.pods,
        horizon_seconds: ahead + demand.age_seconds + demand::period_seconds(spec),
        boot_seconds: boot,
        metric_age_seconds: demand.age_seconds,
        serving: of(Phase::Serving),
        booting: of(Phase::Booting),
        draining: of(Phase::Draining),
        imbalance: 1.0,
        ..Inputs::default()
    }
}

/// What has to be there when a gateway that is created now serves.
fn look_ahead(memory: &mut Memory, spec: &Spec, now: f64, passed: f64, demand: &Demand, inputs: &mut Inputs) {
    let horizon = inputs.horizon_seconds;
    let reserve = memory.reserve.pods(demand.headroom, demand.pods);
    let room = ROOM * memory.reserve.mean(demand.pods).min(demand.pods);
    memory.reserve.observe(demand.pods, memory.trend.forecast_for(now, horizon), passed);
    if let Some(imbalance) = demand.imbalance {
        let weight = 1.0 - (-passed / IMBALANCE_SECONDS).exp();
        let off = imbalance.clamp(0.0, MOST_IMBALANCE) - memory.imbalance;
        memory.imbalance = rounded(memory.imbalance + weight * off);
    }
    inputs.slope_pods_per_second = memory.trend.add(now, demand.pods, horizon);
    inputs.forecast_pods = demand.pods + inputs.slope_pods_per_second * horizon;
    inputs.reserve_pods = reserve;
    inputs.imbalance = 1.0 + memory.imbalance;
    inputs.needed_pods = (inputs.forecast_pods + reserve) * inputs.imbalance;
    inputs.roomy_pods = inputs.needed_pods.max((demand.pods + room) * inputs.imbalance);
    memory.window.add(now, inputs.roomy_pods, stabilization_seconds(spec));
}

/// From what is needed to what is asked for, and what kept the two apart.
fn bounded(
    spec: &Spec,
    memory: &Memory,
    now: f64,
    current: u32,
    demand: &Demand,
    inputs: &mut Inputs,
) -> (u32, Option<Bound>) {
    let (min, max) = (spec.min.max(1), spec.max.max(spec.min).max(1));
    let kept = current.clamp(min, max);
    let kept_by = match current {
        fewer if fewer < min => Some(Bound::Min),
        more if more > max => Some(Bound::Max),
        _ => None,
    };
    inputs.wanted_pods = kept;
    if !demand.known {
        return (kept, if demand.flags.is_empty() { kept_by } else { Some(Bound::MissingData) });
    }
    if pods(inputs.needed_pods) > current {
        // A step lasts for one more horizon while demand grows as it does.
        let growth = inputs.slope_pods_per_second * inputs.horizon_seconds * inputs.imbalance;
        let wanted = pods(inputs.roomy_pods.max(inputs.needed_pods + growth));
        inputs.wanted_pods = wanted;
        let step = current.saturating_add(step(spec.max_step, current)).max(min);
        return match wanted {
            wanted if wanted > max && step >= max => (max, Some(Bound::Max)),
            wanted if wanted > step => (step, Some(Bound::MaxStep)),
            wanted if wanted < min => (min, Some(Bound::Min)),
            wanted => (wanted, None),
        };
    }
    let roomy = pods(inputs.roomy_pods);
    let least = least_step_down(memory, inputs);
    if !is_worth(roomy.max(min), current, least) || kept_by.is_some() {
        return (kept, kept_by.or((roomy < min && kept == min).then_some(Bound::Min)));
    }
    inputs.wanted_pods = roomy;
    let window = pods(inputs.window_pods);
    if !demand.flags.is_empty() {
        (kept, Some(Bound::MissingData))
    } else if !memory.window.is_whole(now, stabilization_seconds(spec))
        || !is_worth(window.max(min), current, least)
        || memory.raised.is_some_and(|raised| (0.0..trial_seconds(spec, inputs)).contains(&(now - raised)))
    {
        (kept, Some(Bound::Stabilization))
    } else if inputs.draining > 0 {
        (kept, Some(Bound::Draining))
    } else if window < min {
        (min, Some(Bound::Min))
    } else {
        (window, (window > roomy).then_some(Bound::Stabilization))
    }
}

/// The last step up was sized for the growth of so many seconds: it is not judged before. Where boots are long, the
/// owner's word on how long unwanted capacity stays goes before.
fn trial_seconds(spec: &Spec, inputs: &Inputs) -> f64 {
    (2.0 * inputs.horizon_seconds).min(stabilization_seconds(spec))
}

/// The part that a step down has to free.
fn least_step_down(memory: &Memory, inputs: &Inputs) -> f64 {
    let mean = memory.reserve.mean(inputs.demand_pods).max(1e-3);
    (ROOM + LEAST_STEP_DOWN - inputs.reserve_pods / mean).clamp(LEAST_STEP_DOWN, ROOM)
}

/// Whether a step down frees enough to be worth it.
fn is_worth(to: u32, from: u32, least: f64) -> bool {
    f64::from(to) <= f64::from(from) * (1.0 - least) && to < from
}

fn stabilization_seconds(spec: &Spec) -> f64 {
    if spec.stabilization_seconds.is_finite() { spec.stabilization_seconds.clamp(0.0, 86_400.0) } else { 300.0 }
}

/// The largest step up, at least one pod.
fn step(step: Step, current: u32) -> u32 {
    match step {
        Step::Percent(percent) if percent.is_finite() => pods(f64::from(current) * percent / 100.0).max(1),
        Step::Percent(_) => 1,
        Step::Pods(pods) => pods.max(1),
    }
}
