//! The definition, as far as it can be judged without an API server.

mod generated;

use serde_json::{Value, json};

use super::schema::{crd, field};
use super::*;

fn root() -> Value {
    let definition = serde_json::to_value(crd()).expect("JSON");
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Calls `visit` with the path of each field below `path`.
fn visit(schema: &Value, path: &str, found: &mut impl FnMut(&str, &Value)) {
    found(path, schema);
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        visit(inner, &format!("{path}.{name}"), found);
    }
    for key in ["items", "additionalProperties"] {
        if schema[key].is_object() {
            visit(&schema[key], &format!("{path}.{key}"), found);
        }
    }
}

/// Kubernetes' own types: their numbers are bounded where they are used.
fn foreign(path: &str) -> bool {
    [".affinity", ".tolerations", ".topologySpreadConstraints"].iter().any(|name| path.contains(name))
}

#[test]
fn everything_in_the_spec_is_bounded() {
    visit(&root()["properties"]["spec"], "spec", &mut |path, schema| {
        let int_or_string = schema["x-kubernetes-int-or-string"] == true;
        match schema["type"].as_str().unwrap_or_default() {
            "string" => assert!(schema["enum"].is_array() || schema["maxLength"].is_number(), "{path}: {schema}"),
            "array" => assert!(schema["maxItems"].is_number(), "{path}"),
            "integer" | "number" if !foreign(path) => {
                assert!(schema["minimum"].is_number() && schema["maximum"].is_number(), "{path}");
            }
            "object" if schema["additionalProperties"].is_object() => {
                assert!(schema["maxProperties"].is_number(), "{path}");
            }
            "object" | "boolean" | "integer" | "number" => {}
            other => assert!(int_or_string, "{path}: {other:?}"),
        }
        if int_or_string && !foreign(path) {
            assert!(schema["maxLength"].is_number(), "{path}");
        }
    });
}

#[test]
fn each_field_says_what_it_is() {
    let root = root();
    visit(&root["properties"]["spec"], "spec", &mut |path, schema| {
        let of_a_list = matches!(path.rsplit('.').next(), Some("items" | "additionalProperties"));
        assert!(foreign(path) || of_a_list || schema["description"].is_string(), "{path}");
    });
}

/// What the API server would fill in must be what this process assumes.
#[test]
fn defaults_of_the_schema_are_those_of_the_types() {
    let minimal = json!({
        "profile": "distributed", "gateways": {}, "writers": {}, "web": {}, "migration": {},
        "redis": {"addresses": ["r:1"]}, "kafka": {"brokers": ["k:1"]}, "cassandra": {"contactPoints": ["c:1"]},
        "blobs": {"s3": {"bucket": "files"}},
    });
    let mut filled = minimal.clone();
    fill(&root()["properties"]["spec"], &mut filled);
    let typed: ChatClusterSpec = serde_json::from_value(minimal).expect("a spec");
    let from_filled: ChatClusterSpec = serde_json::from_value(filled.clone()).expect("a spec");
    assert_eq!(typed, from_filled);
    assert_eq!(filled["gateways"]["min"], 2);
    assert_eq!(filled["kafka"]["partitions"], 64);
    let embedded: ChatClusterSpec = serde_json::from_value(json!({"profile": "embedded"})).expect("a spec");
    assert_eq!(embedded.gateways(), Gateways::default());
    assert_eq!(typed.gateways(), Gateways::default());
    assert_eq!(typed.writers(), Writers::default());
    assert_eq!(typed.web(), Web::default());
    assert_eq!(typed.image, Image::default());
    assert_eq!(typed.exposure, Exposure::default());
}

/// Structural defaulting, as the API server does it.
fn fill(schema: &Value, value: &mut Value) {
    let Some(fields) = value.as_object_mut() else { return };
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        if !fields.contains_key(name) && !inner["default"].is_null() {
            fields.insert(name.clone(), inner["default"].clone());
        }
        if let Some(field) = fields.get_mut(name) {
            fill(inner, field);
        }
    }
}

#[test]
fn rules_have_names_of_their_own_and_messages_that_tell_what_to_do() {
    let (root, mut seen) = (root(), std::collections::BTreeSet::new());
    for rule in rules::rules() {
        assert!(seen.insert(rule.id), "{} twice", rule.id);
        assert!(rule.message.len() > 20 && !rule.message.contains('\n'), "{}: {}", rule.id, rule.message);
        assert!(!rule.at.is_empty());
        if let Some(path) = &rule.field_path {
            for at in &rule.at {
                assert!(field(&root, &format!("{at}.{path}")).is_some(), "{}: {at}.{path}", rule.id);
            }
        }
    }
}

#[test]
fn shares_of_a_number_of_pods() {
    let share = |value: Value| serde_json::from_value::<Share>(value).expect("a share");
    for (value, all, expected) in
        [(json!("10%"), 200, 20), (json!("10%"), 3, 1), (json!("100%"), 7, 7), (json!(3), 200, 3), (json!("1%"), 0, 1)]
    {
        assert_eq!(share(value.clone()).of(all), expected, "{value} of {all}");
    }
    assert_eq!(share(json!("50%")).percent(), Some(50.0));
    assert_eq!(share(json!(5)).percent(), None);
}

#[test]
fn writers_never_outnumber_partitions() {
    let mut spec: ChatClusterSpec = serde_json::from_value(json!({
        "profile": "distributed", "kafka": {"brokers": ["k:1"], "partitions": 16}
    }))
    .expect("a spec");
    assert_eq!(spec.writers_max(), 16);
    spec.writers = Some(Writers { max: Some(4), ..Writers::default() });
    assert_eq!(spec.writers_max(), 4);
}

#[test]
fn a_budget_never_has_room_for_all() {
    let share = |value: Value| serde_json::from_value::<Share>(value).expect("a share");
    for least in 1..=12 {
        for asked in [json!(1), json!(2), json!(7), json!("1%"), json!("10%"), json!("60%"), json!("100%")] {
            let asked = share(asked);
            let budget = asked.but_one(least);
            for all in least..=40 {
                let room = budget.of(all);
                assert!(room < all || all == 1, "{room} of {all} with {asked:?} and a minimum of {least}");
                assert!((1..=asked.of(all)).contains(&room), "{room} of {all} with {asked:?}");
            }
        }
    }
    assert_eq!(share(json!(2)).but_one(2), share(json!(1)));
    assert_eq!(share(json!(2)).but_one(5), share(json!(2)));
    assert_eq!(share(json!("10%")).but_one(1), share(json!("10%")));
}
