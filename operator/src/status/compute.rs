//! A whole status from facts.

use crate::api::{ChatClusterStatus, ConnectionsPerPod, GatewayStatus, ScalingStatus, WriterStatus};
use crate::autoscale::observation::Seen;
use crate::cache::pods::Component;
use crate::status::facts::Facts;
use crate::status::problems::Problem;
use crate::status::{conditions, history};

/// Numbers of the schema are whole.
#[allow(clippy::cast_possible_truncation)] // no cluster has 2^63 of anything
pub fn integer(number: f64) -> i64 {
    number.round() as i64
}

fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// `before` is the status as it is now: times of conditions, and what is not known anew, come from it.
pub fn status(facts: &Facts<'_>, problems: &[Problem], before: &ChatClusterStatus) -> ChatClusterStatus {
    let distributed = facts.cluster.spec.is_distributed();
    ChatClusterStatus {
        observed_generation: facts.cluster.metadata.generation,
        conditions: conditions::all(facts, problems, &before.conditions),
        url: Some(facts.url.clone()),
        image: rolled_out(facts).or_else(|| before.image.clone()),
        migrated: facts.migrated.clone(),
        gateways: Some(gateways(facts, before.gateways.as_ref())),
        writers: distributed.then(|| writers(facts, before.writers.as_ref())),
    }
}

fn rolled_out(facts: &Facts<'_>) -> Option<String> {
    let workload = facts.workload(Component::Gateway)?;
    (workload.settled && workload.ready > 0).then(|| facts.image.clone())
}

fn gateways(facts: &Facts<'_>, before: Option<&GatewayStatus>) -> GatewayStatus {
    let seen = &facts.seen.gateways;
    let old = before.cloned().unwrap_or_default();
    if facts.seen.taken == 0 {
        // Nothing was looked at yet: what another operator wrote is worth more than zeros.
        return GatewayStatus { selector: facts.selector.clone(), ..old };
    }
    let workload = facts.workload(Component::Gateway);
    let desired =
        if seen.desired > 0 { seen.desired } else { workload.map_or(old.desired, |workload| workload.wanted) };
    // Its controller is quicker than our periods.
    let ready = workload.map_or(seen.ready, |workload| workload.ready);
    let serving = ready.max(1);
    GatewayStatus {
        desired,
        replicas: seen.pods,
        ready,
        draining: seen.draining,
        summary: format!("{ready}/{desired}"),
        selector: facts.selector.clone(),
        connections: integer(seen.connections),
        connections_per_pod: Some(ConnectionsPerPod {
            max: integer(seen.connections_most),
            mean: tenths(seen.connections / f64::from(serving)),
        }),
        scaling: scaling(seen, old.scaling),
    }
}

fn writers(facts: &Facts<'_>, before: Option<&WriterStatus>) -> WriterStatus {
    let seen = &facts.seen.writers;
    let old = before.cloned().unwrap_or_default();
    if facts.seen.taken == 0 {
        return old;
    }
    let workload = facts.workload(Component::Writer);
    let desired =
        if seen.desired > 0 { seen.desired } else { workload.map_or(old.desired, |workload| workload.wanted) };
    let ready = workload.map_or(seen.ready, |workload| workload.ready);
    WriterStatus {
        desired,
        replicas: seen.pods,
        ready,
        summary: format!("{ready}/{desired}"),
        lag_records: seen.lag_records.map(integer),
        lag_seconds: seen.lag_seconds.map(tenths),
        scaling: scaling(seen, old.scaling),
    }
}

fn scaling(seen: &Seen, old: ScalingStatus) -> ScalingStatus {
    let mut decisions = seen.decisions.iter().cloned();
    ScalingStatus {
        metrics_age_seconds: seen.metrics_age_seconds.map(tenths),
        last_scale_up: seen.last_scale_up.map(history::time),
        last_scale_down: seen.last_scale_down.map(history::time),
        decision: decisions.next(),
        history: decisions.take(10).collect(),
        memory: seen.memory.clone().or(old.memory),
    }
}
