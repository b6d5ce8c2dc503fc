//! Decisions as the status keeps them.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::api::Decision;

/// Decisions that are kept: the last one, and those before it.
const KEPT: usize = 11;

/// The newest first.
pub fn of(last: Option<&Decision>, before: &[Decision]) -> Vec<Decision> {
    last.into_iter().chain(before).cloned().collect()
}

pub fn push(decisions: &mut Vec<Decision>, decision: Decision) {
    decisions.insert(0, decision);
    decisions.truncate(KEPT);
}

/// A unit variant as it is written in JSON, with a capital: `MaxStep`.
pub fn word<T: Serialize>(value: &T) -> String {
    let text = serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default();
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

/// The numbers behind a decision, with at most three digits after the point: a status is read by people.
pub fn inputs<T: Serialize>(inputs: &T) -> BTreeMap<String, Value> {
    let Ok(Value::Object(map)) = serde_json::to_value(inputs) else { return BTreeMap::new() };
    map.into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| {
            let rounded = match value.as_f64() {
                Some(number) if value.is_f64() => Value::from((number * 1_000.0).round() / 1_000.0),
                _ => value,
            };
            (camel(&name), rounded)
        })
        .collect()
}

fn camel(name: &str) -> String {
    let mut upper = false;
    let mut text = String::new();
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            text.extend(letter.to_uppercase());
        } else {
            text.push(letter);
        }
    }
    text
}

#[allow(clippy::cast_possible_truncation)] // seconds of this millennium
pub fn time(unix: f64) -> Time {
    Time(Timestamp::from_second(unix as i64).unwrap_or(Timestamp::UNIX_EPOCH))
}

#[allow(clippy::cast_precision_loss)] // seconds of this millennium
pub fn seconds(time: &Time) -> f64 {
    time.0.as_second() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_for_people() {
        #[derive(Serialize)]
        struct Inputs {
            per_pod: f64,
            wanted_pods: u32,
            resource: Option<&'static str>,
        }
        let inputs = inputs(&Inputs { per_pod: 1.0 / 3.0, wanted_pods: 4, resource: None });
        assert_eq!(serde_json::json!(inputs), serde_json::json!({"perPod": 0.333, "wantedPods": 4}));
        assert_eq!(word(&scaling::gateways::Bound::MaxStep), "MaxStep");
    }
}
