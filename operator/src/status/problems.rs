//! What is wrong, each in one readable sentence.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::autoscale::Observation;
use crate::autoscale::fleet::Complaint;
use crate::cache::pods::{Component, PodView, Trouble};

/// Something that people should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// CamelCase, the same for the same kind of problem: a condition's and an event's reason.
    pub reason: String,
    /// One sentence that tells what to do, where that is known. Without anything that changes all the time.
    pub message: String,
    /// With it the cluster is not ready.
    pub blocks: bool,
}

impl Problem {
    pub fn blocking(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into(), blocks: true }
    }

    pub fn degrading(reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { reason: reason.into(), message: message.into(), blocks: false }
    }
}

pub(super) fn complaint_name(complaint: &Complaint) -> String {
    match complaint {
        Complaint::Silent { pod, .. } => format!("{pod} silent"),
        Complaint::Absurd { pod, fields } => format!("{pod} {}", fields.join(" ")),
    }
}

fn plural(component: Component) -> &'static str {
    match component {
        Component::Gateway => "gateways",
        Component::Writer => "writers",
        Component::Web => "web pods",
        Component::Migrate => "migrations",
    }
}

/// Of pods that don't come up. Pods with the same trouble are one problem.
pub fn of_pods(pods: &[Arc<PodView>]) -> Vec<Problem> {
    let mut alike: BTreeMap<(Component, &'static str), (usize, &PodView, &Trouble)> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| !pod.terminating && !pod.ended) {
        let Some(trouble) = &pod.trouble else { continue };
        alike.entry((pod.component, kind(trouble))).or_insert((0, pod, trouble)).0 += 1;
    }
    alike
        .into_iter()
        .map(|((component, reason), (count, pod, trouble))| {
            let (what, message) = (plural(component), shortened(&trouble.message));
            let text = format!("{count} {what} can't start ({}, such as {}): {message}", trouble.reason, pod.name);
            Problem::degrading(reason, text)
        })
        .collect()
}

/// Kubernetes' many words for the few things that one can do something about.
fn kind(trouble: &Trouble) -> &'static str {
    match trouble.reason.as_str() {
        "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" | "RegistryUnavailable" => {
            "ImageNotPulled"
        }
        "Unschedulable" | "SchedulerError" | "SchedulingGated" => "PodsUnschedulable",
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => "PodsMisconfigured",
        _ => "PodsCrashing",
    }
}

/// Messages of the kubelet may hold a whole log.
fn shortened(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Of what pods say about themselves and their backends.
pub fn of_readings(seen: &Observation) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut silent = Vec::new();
    let mut absurd = Vec::new();
    for complaint in &seen.complaints {
        match complaint {
            Complaint::Silent { pod, .. } => silent.push(pod.as_str()),
            Complaint::Absurd { pod, fields } => absurd.push(format!("{pod} ({})", fields.join(", "))),
        }
    }
    if !silent.is_empty() {
        let text = format!("{} did not say their load for three periods: nothing shrinks until they do", few(&silent));
        problems.push(Problem::degrading("MetricsMissing", text));
    }
    if !absurd.is_empty() {
        let absurd: Vec<&str> = absurd.iter().map(String::as_str).collect();
        let text = format!("{} say what can't be: their last believable values count", few(&absurd));
        problems.push(Problem::degrading("MetricsImplausible", text));
    }
    if let Some(problem) = unreachable(seen) {
        problems.push(problem);
    }
    for (what, failure) in [("gateways", &seen.gateways.failure), ("writers", &seen.writers.failure)] {
        if let Some(failure) = failure {
            problems.push(Problem::degrading("ScalingFailed", format!("{what} can't be scaled: {failure}")));
        }
    }
    problems
}

/// The first backend that pods can't reach, in their words.
pub fn unreachable(seen: &Observation) -> Option<Problem> {
    let failing: Vec<_> = seen.checks.iter().filter(|(_, check)| !check.ok && check.name != "drain").collect();
    let (pod, check) = failing.first()?;
    let pods = failing.iter().filter(|(_, other)| other.name == check.name).count();
    let text = format!("{pods} pods miss their {}, such as {pod}: {}", check.name, shortened(&check.detail));
    Some(Problem::degrading("BackendUnreachable", text))
}

fn few(names: &[&str]) -> String {
    match names {
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            format!("{first}, {second}, {third} and {} more", rest.len())
        }
        _ => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_at_a_letter() {
        assert_eq!(shortened("a\n  b"), "a b");
        assert_eq!(shortened(&"ä".repeat(400)).chars().count(), 301);
    }

    #[test]
    fn many_names_are_a_few() {
        assert_eq!(few(&["a", "b", "c"]), "a, b, c");
        assert_eq!(few(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
