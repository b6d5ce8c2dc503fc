//! What containers ask for where the spec does not say.

use serde_json::{Value, json};

use crate::api::{Quantity, Resources};

/// Requests of CPU and memory, and the limit of memory. No limit of CPU: a gateway that is held back answers late, and
/// the scaling sees to it that there are enough.
pub(super) struct Defaults {
    pub cpu: &'static str,
    pub memory: String,
    pub memory_limit: String,
}

/// The spec's amounts, and defaults for the resources of which it says nothing: whoever gives one of request and limit
/// has thought of the other, and a default might contradict it.
pub(super) fn resources(spec: &Resources, defaults: &Defaults) -> Value {
    let text = |quantity: &Option<Quantity>| quantity.as_ref().map(|quantity| quantity.0.clone());
    let (mut cpu, cpu_limit) = (text(&spec.requests.cpu), text(&spec.limits.cpu));
    let (mut memory, mut memory_limit) = (text(&spec.requests.memory), text(&spec.limits.memory));
    if cpu.is_none() && cpu_limit.is_none() {
        cpu = Some(defaults.cpu.to_owned());
    }
    if memory.is_none() && memory_limit.is_none() {
        (memory, memory_limit) = (Some(defaults.memory.clone()), Some(defaults.memory_limit.clone()));
    }
    json!({
        "requests": {"cpu": cpu, "memory": memory},
        "limits": {"cpu": cpu_limit, "memory": memory_limit},
    })
}

/// Cores: `500m` is 0.5. `None` for what is no amount.
pub(super) fn cores(quantity: &str) -> Option<f64> {
    let digits = quantity.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: f64 = digits.parse().ok()?;
    let factor = match &quantity[digits.len()..] {
        "" => 1.0,
        "m" => 1e-3,
        "k" => 1e3,
        _ => return None,
    };
    Some(number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Amounts;

    #[test]
    fn a_default_never_contradicts_what_is_given() {
        let defaults = Defaults { cpu: "500m", memory: "512Mi".into(), memory_limit: "1Gi".into() };
        let none = resources(&Resources::default(), &defaults);
        assert_eq!(none["requests"], json!({"cpu": "500m", "memory": "512Mi"}));
        assert_eq!(none["limits"], json!({"cpu": null, "memory": "1Gi"}));
        let large = Amounts { memory: Some("4Gi".into()), cpu: None };
        let given = resources(&Resources { requests: large, limits: Amounts::default() }, &defaults);
        assert_eq!(given["limits"]["memory"], Value::Null);
        assert_eq!(given["requests"]["cpu"], "500m");
    }

    #[test]
    fn cores_of_amounts() {
        for (text, expected) in
            [("500m", Some(0.5)), ("2", Some(2.0)), (".5", Some(0.5)), ("1.5k", Some(1500.0)), ("x", None)]
        {
            assert_eq!(cores(text), expected, "{text}");
        }
    }
}
