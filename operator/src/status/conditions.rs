//! The six conditions, from facts.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use crate::api::condition;
use crate::cache::pods::Component;
use crate::status::facts::{Facts, Stage};
use crate::status::problems::{self, Problem};

/// What a condition says, before it is compared with the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    status: &'static str,
    reason: String,
    message: String,
}

fn said(status: &'static str, reason: impl Into<String>, message: impl Into<String>) -> Said {
    Said { status, reason: reason.into(), message: message.into() }
}

/// All of them, each for the generation of the facts. The time of a condition is that of its last change of status.
pub fn all(facts: &Facts<'_>, problems: &[Problem], before: &[Condition]) -> Vec<Condition> {
    let now = Time(Timestamp::from_second(Timestamp::now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH));
    let all = [
        (condition::READY, ready(facts, problems, was_ready(facts, before))),
        (condition::PROGRESSING, progressing(facts)),
        (condition::DEGRADED, degraded(problems)),
        (condition::SCALING_LIMITED, limited(facts)),
        (condition::WRITERS_BOUND, bound(facts)),
        (condition::BACKENDS_REACHABLE, reachable(facts)),
    ];
    all.into_iter()
        .map(|(type_, said)| {
            let old = before.iter().find(|condition| condition.type_ == type_);
            let since = old.filter(|old| old.status == said.status).map(|old| old.last_transition_time.clone());
            Condition {
                type_: type_.to_owned(),
                status: said.status.to_owned(),
                reason: said.reason,
                message: said.message,
                observed_generation: facts.cluster.metadata.generation,
                last_transition_time: since.unwrap_or_else(|| now.clone()),
            }
        })
        .collect()
}

/// It was, and the spec has not changed since.
fn was_ready(facts: &Facts<'_>, before: &[Condition]) -> bool {
    before.iter().any(|condition| {
        condition.type_ == condition::READY
            && condition.status == "True"
            && condition.observed_generation == facts.cluster.metadata.generation
    })
}

fn ready(facts: &Facts<'_>, problems: &[Problem], before: bool) -> Said {
    let distributed = facts.cluster.spec.is_distributed();
    if let Some(problem) = problems.iter().find(|problem| problem.blocks) {
        return said("False", problem.reason.clone(), problem.message.clone());
    }
    match facts.stage {
        Stage::Migrating => {
            return said("False", "Migrating", "topics and tables are being made or brought up to date");
        }
        Stage::Invalid | Stage::Blocked | Stage::Failed => return said("False", "NotApplied", "see the events"),
        Stage::Paused | Stage::Applied => {}
    }
    // Why pods don't come up is worth more than that they don't.
    let why = |reason: &str, message: String| match problems.first() {
        Some(problem) => said("False", problem.reason.clone(), format!("{message}: {}", problem.message)),
        None => said("False", reason, message),
    };
    let least = if distributed { facts.cluster.spec.gateways().min } else { 1 };
    let mut needed = vec![(Component::Gateway, "gateways", "GatewaysNotReady", least)];
    if distributed {
        needed.push((Component::Writer, "writers", "WritersNotReady", facts.cluster.spec.writers().min));
        if facts.cluster.spec.web().enabled {
            needed.push((Component::Web, "web pods", "WebNotReady", 1));
        }
    }
    for (component, what, reason, least) in needed {
        let Some(workload) = facts.workload(component) else {
            return why(reason, format!("there are no {what} yet"));
        };
        // What its controller has not looked at yet is most often another number of pods, by which none is replaced.
        if !workload.seen && !before {
            return why("RollingOut", format!("Kubernetes has not looked at the {what} of this generation yet"));
        }
        if workload.seen && !workload.settled {
            return why(
                "RollingOut",
                format!("{} of {} {what} are of this generation", workload.updated, workload.wanted),
            );
        }
        if workload.ready < least {
            return why(reason, format!("{} of at least {least} {what} are ready", workload.ready));
        }
    }
    let gateways = facts.workload(Component::Gateway).map_or(0, |workload| workload.ready);
    if facts.stage == Stage::Paused {
        return said(
            "True",
            "Paused",
            format!("{gateways} gateways serve, and nothing is changed while spec.paused is true"),
        );
    }
    said("True", "Serving", "all parts are as this generation wants them")
}

fn progressing(facts: &Facts<'_>) -> Said {
    match facts.stage {
        Stage::Paused => {
            return said("False", "Paused", "spec.paused is true: nothing is created, changed, scaled or drained");
        }
        Stage::Invalid => return said("False", "InvalidSpec", "waiting for the spec to change"),
        Stage::Blocked => return said("False", "SecretsInvalid", "waiting for Secrets to change"),
        Stage::Migrating => return said("True", "Migrating", "topics and tables are being made or brought up to date"),
        Stage::Failed => return said("True", "Retrying", "what failed is tried again"),
        Stage::Applied => {}
    }
    if let Some(workload) = facts.workloads.iter().find(|workload| !workload.settled) {
        let text = format!("{} of {} pods are of this generation", workload.updated, workload.wanted);
        return said("True", "RollingOut", text);
    }
    let (gateways, writers) = (&facts.seen.gateways, &facts.seen.writers);
    if gateways.draining > 0 {
        return said("True", "Draining", format!("{} gateways are being left by their clients", gateways.draining));
    }
    let behind = facts.workloads.iter().find(|workload| workload.ready != workload.wanted);
    if let Some(workload) = behind {
        return said("True", "Scaling", format!("{} of {} pods are ready", workload.ready, workload.wanted));
    }
    let scaling = |desired: u32, component| {
        facts.workload(component).is_some_and(|workload| desired > 0 && workload.wanted != desired)
    };
    if scaling(gateways.desired, Component::Gateway) || scaling(writers.desired, Component::Writer) {
        return said("True", "Scaling", "the number of pods is about to change");
    }
    said("False", "Settled", "nothing is to be done")
}

fn degraded(problems: &[Problem]) -> Said {
    match problems {
        [] => said("False", "AsExpected", "nothing is wrong"),
        [only] => said("True", only.reason.clone(), only.message.clone()),
        [first, rest @ ..] => {
            let others: Vec<&str> = rest.iter().map(|problem| problem.message.as_str()).collect();
            said("True", first.reason.clone(), format!("{}; also: {}", first.message, others.join("; ")))
        }
    }
}

fn limited(facts: &Facts<'_>) -> Said {
    let seen = &facts.seen.gateways;
    match seen.bound.as_deref() {
        Some("Max") => said("True", "AtMaximum", format!("more than spec.gateways.max are wanted: {}", seen.reason)),
        _ => said("False", "WithinBounds", "spec.gateways allows what the traffic wants"),
    }
}

fn bound(facts: &Facts<'_>) -> Said {
    let seen = &facts.seen.writers;
    match seen.bound.as_deref() {
        Some("Store") => said("True", "StoreIsTheLimit", seen.reason.clone()),
        Some("Partitions") => said("True", "OneForEachPartition", seen.reason.clone()),
        _ => said("False", "WithinBounds", "writers are not held up"),
    }
}

fn reachable(facts: &Facts<'_>) -> Said {
    match problems::unreachable(facts.seen) {
        Some(problem) => said("False", problem.reason, problem.message),
        None if facts.seen.checks.is_empty() => said("Unknown", "NoAnswer", "no pod has told of its backends yet"),
        None => said("True", "Reachable", "every pod that was asked reaches its backends"),
    }
}
