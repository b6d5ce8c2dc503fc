//! The decision in words.

use std::fmt::Write as _;

use super::demand::Demand;
use super::types::{Bound, Inputs, Problem, Resource, Spec, Step};

/// One sentence, with the numbers.
pub(super) fn reason(
    spec: &Spec,
    current: u32,
    desired: u32,
    bound: Option<Bound>,
    demand: &Demand,
    inputs: &Inputs,
) -> String {
    let move_ = if desired == current {
        format!("{desired} gateways are kept")
    } else {
        format!("{current} → {desired} gateways")
    };
    let Some(resource) = inputs.resource else {
        let why = if demand.flags.is_empty() { "no gateway has been read yet" } else { "no reading can be used" };
        return format!("{move_}: {why}{}", flagged(demand));
    };
    let mut text = format!(
        "{move_}: {} {} are {:.1} gateways of {}",
        grouped(inputs.total),
        name(resource),
        inputs.demand_pods,
        grouped(inputs.per_pod)
    );
    let growth = inputs.slope_pods_per_second * inputs.horizon_seconds;
    if growth >= 0.05 {
        let _ = write!(text, ", {:.1} in {:.0} s", inputs.forecast_pods, inputs.horizon_seconds);
        if desired > current {
            // What the step is sized for.
            let _ = write!(text, ", {:.1} in {:.0} s", inputs.forecast_pods + growth, 2.0 * inputs.horizon_seconds);
        }
    }
    if inputs.reserve_pods >= 0.05 {
        let _ = write!(text, ", and {:.1} kept for bursts", inputs.reserve_pods);
    }
    if inputs.imbalance >= 1.01 {
        let _ = write!(text, ", the busiest carries {:.0} % above the mean", (inputs.imbalance - 1.0) * 100.0);
    }
    if let Some(bound) = bound {
        let _ = write!(text, "; {}", held(spec, bound, inputs));
    }
    text + &flagged(demand)
}

fn held(spec: &Spec, bound: Bound, inputs: &Inputs) -> String {
    let wanted = inputs.wanted_pods;
    match bound {
        Bound::Min => format!("not fewer than min {}", spec.min.max(1)),
        Bound::Max => format!("{wanted} are wanted, not more than max {}", spec.max),
        Bound::MaxStep => match spec.max_step {
            Step::Percent(percent) if percent.is_finite() => format!("{wanted} are wanted, one step is {percent:.0} %"),
            Step::Percent(_) => format!("{wanted} are wanted, one step is one gateway"),
            Step::Pods(pods) => format!("{wanted} are wanted, one step is {pods}"),
        },
        Bound::Stabilization => format!(
            "{wanted} would do, {:.1} were wanted within the last {:.0} s",
            inputs.window_pods,
            super::stabilization_seconds(spec)
        ),
        Bound::Draining => format!("{wanted} would do, {} still drain", inputs.draining),
        Bound::MissingData => format!("{wanted} would do, nothing shrinks without all readings"),
    }
}

fn flagged(demand: &Demand) -> String {
    let Some(first) = demand.flags.first() else { return String::new() };
    let problem = match first.problem {
        Problem::Missing => "has not answered",
        Problem::Stale => "has stopped answering",
        Problem::Negative => "reports less than nothing",
        Problem::Absurd => "reports more than it can carry",
        Problem::NotANumber => "reports what is no number",
    };
    match demand.flags.len() {
        1 => format!("; {} {problem}", first.pod),
        more => format!("; {} {problem}, and {} more", first.pod, more - 1),
    }
}

fn name(resource: Resource) -> &'static str {
    match resource {
        Resource::Connections => "connections",
        Resource::DeliveriesPerSecond => "deliveries/s",
        Resource::CpuPercent => "% of CPU",
    }
}

/// Thousands apart, no fraction.
fn grouped(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::with_capacity(digits.len() + 4);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
