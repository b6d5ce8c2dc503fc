//! What the decision on gateways is given.

use std::sync::Arc;

use scaling::gateways::{PerPod, Phase, Pod, Reading, Sample, Spec, Step, Target};

use crate::api::{GatewayTarget, Gateways};
use crate::autoscale::fleet::Fleet;
use crate::cache::pods::PodView;
use crate::drain::Gateway;
use crate::scrape::load::State;
use crate::scrape::series::{Series, Standing};

pub const PERIOD_SECONDS: f64 = 2.0;

pub fn spec(gateways: &Gateways) -> Spec {
    let GatewayTarget { connections, deliveries_per_second, cpu_percent } = gateways.target.clone();
    let limit = &gateways.limit;
    let of = |target: u32, limit: Option<u32>| {
        (target > 0).then(|| PerPod { target: f64::from(target), limit: limit.map(f64::from) })
    };
    let up = &gateways.scale_up;
    Spec {
        min: gateways.min,
        max: gateways.max,
        target: Target {
            connections: of(connections, limit.connections),
            deliveries_per_second: of(deliveries_per_second, limit.deliveries_per_second),
            cpu_percent: of(cpu_percent, limit.cpu_percent),
        },
        look_ahead_seconds: up.look_ahead_seconds.map(f64::from),
        max_step: up.max_step.percent().map_or_else(|| Step::Pods(up.max_step.of(0)), Step::Percent),
        stabilization_seconds: f64::from(gateways.scale_down.stabilization_seconds),
        period_seconds: PERIOD_SECONDS,
    }
}

/// Every gateway, as the decision wants to know it. `clock` is monotonic, `now` is the Unix time; both in seconds.
pub fn sample(
    fleet: &Fleet,
    pods: &[Arc<PodView>],
    current: u32,
    boot_seconds: Option<f64>,
    clock: f64,
    now: f64,
) -> Sample {
    let pods = pods
        .iter()
        .filter(|pod| !pod.ended)
        .filter_map(|pod| {
            let series = fleet.of(pod);
            let reading = series.filter(|series| series.answered.is_some()).map(|series| reading(series, pod));
            if pod.terminating && reading.is_none() {
                return None;
            }
            let believed = series.and_then(|series| series.believed);
            let age_seconds = believed.map_or(now - pod.created, |at| clock - at).max(0.0);
            Some(Pod { name: pod.name.clone(), phase: phase(pod, series), age_seconds, reading })
        })
        .collect();
    Sample { now, current, boot_seconds, pods }
}

fn phase(pod: &PodView, series: Option<&Series>) -> Phase {
    let said = series.and_then(Series::state);
    let leaving =
        pod.terminating || pod.marks.draining_since.is_some() || matches!(said, Some(State::Draining | State::Drained));
    match (leaving, pod.ready(), said) {
        (true, ..) => Phase::Draining,
        // What it says itself is fresher than what the kubelet saw.
        (_, true, _) | (_, _, Some(State::Serving)) => Phase::Serving,
        _ => Phase::Booting,
    }
}

fn reading(series: &Series, pod: &PodView) -> Reading {
    let rates = series.has_rates().then_some(series.rates);
    Reading {
        connections: series.load.connections,
        deliveries_per_second: rates.map(|rates| rates.deliveries),
        cpu_percent: series.cores().zip(pod.cores).map(|(used, cores)| 100.0 * used / cores),
    }
}

/// Every gateway, as the plan of drains wants to know it.
pub fn for_drain(fleet: &Fleet, pods: &[Arc<PodView>]) -> Vec<Gateway> {
    pods.iter()
        .filter(|pod| !pod.ended)
        .map(|pod| {
            let series = fleet.of(pod);
            let speaks = series.is_some_and(|series| matches!(series.standing(), Standing::Fresh | Standing::Held(1)));
            Gateway {
                name: pod.name.clone(),
                created: pod.created,
                ready: pod.ready(),
                pending: pod.pending,
                terminating: pod.terminating,
                connections: series.and_then(|series| series.load.connections),
                state: series.filter(|_| speaks).and_then(Series::state),
                marks: pod.marks,
            }
        })
        .collect()
}
