//! What is written on a pod about its leaving.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::drain::SETTLE_SECONDS;

pub const DRAINING_SINCE: &str = "elastic-chat.io/draining-since";
pub const DRAINED_AT: &str = "elastic-chat.io/drained-at";
/// Read by the ReplicaSet controller: of pods alike, the lowest goes first.
pub const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// Far below what anybody sets by hand.
pub const DRAINED_COST: i32 = -1_000_000;

/// The marks as they are visible on the pod; times in seconds since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Marks {
    pub draining_since: Option<f64>,
    pub drained_at: Option<f64>,
    pub deletion_cost: Option<i32>,
}

impl Marks {
    pub fn of(annotations: &BTreeMap<String, String>) -> Self {
        let time = |name: &str| seconds(annotations.get(name)?);
        Self {
            draining_since: time(DRAINING_SINCE),
            drained_at: time(DRAINED_AT),
            deletion_cost: annotations.get(DELETION_COST).and_then(|cost| cost.parse().ok()),
        }
    }

    /// The pod may be removed, as far as the drain is concerned.
    pub fn finished(&self) -> bool {
        self.draining_since.is_some() && self.drained_at.is_some() && self.deletion_cost == Some(DRAINED_COST)
    }

    /// It is finished, and was for long enough that everybody knows.
    pub fn removable(&self, now: f64) -> bool {
        self.finished() && self.drained_at.is_some_and(|at| now >= at + SETTLE_SECONDS)
    }
}

/// Merge patches that write the marks. Only these three annotations are ever touched.
pub fn draining(now: Timestamp) -> Value {
    json!({"metadata": {"annotations": {DRAINING_SINCE: now.to_string(), DRAINED_AT: null, DELETION_COST: null}}})
}

pub fn drained(now: Timestamp) -> Value {
    json!({"metadata": {"annotations": {DRAINED_AT: now.to_string(), DELETION_COST: DRAINED_COST.to_string()}}})
}

pub fn none() -> Value {
    json!({"metadata": {"annotations": {DRAINING_SINCE: null, DRAINED_AT: null, DELETION_COST: null}}})
}

#[allow(clippy::cast_precision_loss)] // milliseconds of this millennium fit
fn seconds(time: &str) -> Option<f64> {
    let time: Timestamp = time.parse().ok()?;
    Some(time.as_millisecond() as f64 / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(patch: &Value, onto: &mut BTreeMap<String, String>) {
        for (name, value) in patch["metadata"]["annotations"].as_object().expect("annotations") {
            match value.as_str() {
                Some(value) => drop(onto.insert(name.clone(), value.to_owned())),
                None => drop(onto.remove(name)),
            }
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let at: Timestamp = "2026-01-02T03:04:05.678Z".parse().expect("a time");
        let mut annotations = BTreeMap::from([("someone/else".to_owned(), "stays".to_owned())]);
        written(&draining(at), &mut annotations);
        assert_eq!(Marks::of(&annotations).draining_since, Some(1_767_323_045.678));
        written(&drained(at), &mut annotations);
        let marks = Marks::of(&annotations);
        assert!(marks.finished() && !marks.removable(1_767_323_046.0) && marks.removable(1_767_323_046.7));
        written(&none(), &mut annotations);
        assert_eq!((Marks::of(&annotations), annotations.len()), (Marks::default(), 1));
    }

    #[test]
    fn what_others_wrote_is_no_drain() {
        let annotations = BTreeMap::from([
            (DELETION_COST.to_owned(), "5".to_owned()),
            (DRAINING_SINCE.to_owned(), "soon".to_owned()),
        ]);
        let marks = Marks::of(&annotations);
        assert_eq!(marks.draining_since, None);
        assert!(!marks.finished());
    }
}
