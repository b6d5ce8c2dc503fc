//! The definition at a real API server: defaults, and for each rule a manifest that is refused and one that is taken.

mod cases;
mod changes;

use std::collections::BTreeSet;

use operator::api::ChatClusterSpec;
use operator::api::rules::{Rule, rules};
use serde_json::{Value, json};

use crate::rig::{EXAMPLES, Rig, example};
use cases::{Case, cases};

/// Sets or, with null, removes fields by their dotted path.
pub fn with(mut manifest: Value, edits: &[(&str, Value)]) -> Value {
    for (path, value) in edits {
        let (parents, last) = path.rsplit_once('.').unwrap_or(("", path));
        let mut at = &mut manifest;
        for name in parents.split('.').filter(|name| !name.is_empty()) {
            at = &mut at[name];
        }
        if value.is_null() {
            at.as_object_mut().unwrap_or_else(|| panic!("{path}: no object")).remove(last);
        } else {
            at[last] = value.clone();
        }
    }
    manifest
}

fn rule(id: &str) -> Rule {
    rules().into_iter().find(|rule| rule.id == id).unwrap_or_else(|| panic!("{id} is no rule"))
}

#[tokio::test]
async fn every_example_is_taken_without_a_warning() {
    let rig = Rig::new("examples").await;
    for name in EXAMPLES {
        let taken = rig.create(&example(name), false).await.unwrap_or_else(|refused| panic!("{name}: {refused:?}"));
        assert_eq!(taken.warnings, Vec::<String>::new(), "{name}");
    }
    rig.end().await;
}

#[tokio::test]
async fn five_lines_are_enough_and_defaults_are_what_the_types_say() {
    let rig = Rig::new("defaults").await;
    let embedded = rig.create(&example("embedded"), true).await.expect("taken").object;
    for (path, expected) in [
        ("/spec/paused", json!(false)),
        ("/spec/image/repository", json!("ghcr.io/elastic-chat")),
        ("/spec/image/pullPolicy", json!("IfNotPresent")),
        ("/spec/exposure/serviceType", json!("ClusterIP")),
        ("/spec/exposure/heartbeatSeconds", json!(25)),
        ("/spec/networkPolicies/enabled", json!(true)),
        ("/spec/log/format", json!("json")),
    ] {
        assert_eq!(embedded.pointer(path), Some(&expected), "{path} of {embedded:#}");
    }
    assert_eq!(embedded["spec"].get("gateways"), None, "an embedded node has none");
    for name in EXAMPLES {
        let manifest = example(name);
        let server: ChatClusterSpec =
            serde_json::from_value(rig.create(&manifest, true).await.expect("taken").object["spec"].clone())
                .expect("ours");
        let ours: ChatClusterSpec = serde_json::from_value(manifest["spec"].clone()).expect("ours");
        assert_eq!(server, ours, "{name}");
    }
    let distributed = rig.create(&example("distributed"), true).await.expect("taken").object;
    assert_eq!(
        distributed["spec"]["gateways"]["scaleDown"],
        json!({
            "stabilizationSeconds": 300, "drainSeconds": 120, "maxDraining": "10%",
        })
    );
    rig.end().await;
}

#[tokio::test]
async fn each_rule_refuses_and_takes() {
    let rig = Rig::new("rules").await;
    let mut covered = BTreeSet::new();
    for Case { rule: id, base, refused, accepted } in cases() {
        covered.insert(id);
        let rule = rule(id);
        let manifest = with(example(base), &refused);
        let Err(answer) = rig.create(&manifest, true).await else { panic!("{id} takes {refused:?}") };
        assert_eq!(answer.code, 422, "{id}: {}", answer.message);
        assert!(answer.message.contains(&rule.message), "{id}: {}", answer.message);
        let cause =
            answer.causes.iter().find(|cause| cause["message"].as_str().is_some_and(|m| m.contains(&rule.message)));
        let cause = cause.unwrap_or_else(|| panic!("{id}: no cause of its own in {:?}", answer.causes));
        assert_eq!(cause["reason"], rule.reason.as_str(), "{id}: {cause}");
        let at = rule.at[0].as_str();
        let field = [at, rule.field_path.as_deref().unwrap_or_default()].join(".");
        let field = field.trim_matches('.');
        assert!(
            cause["field"].as_str().is_some_and(|named| named.starts_with(field)),
            "{id}: {cause} is not of {field}"
        );
        let manifest = with(example(base), &accepted);
        let taken = rig.create(&manifest, true).await;
        assert!(taken.is_ok(), "{id} refuses {accepted:?}: {taken:?}");
    }
    let all: BTreeSet<&str> = rules().iter().map(|rule| rule.id).collect();
    covered.extend(changes::COVERED);
    covered.extend(cases::EVERYWHERE.map(|(id, ..)| id));
    assert_eq!(all.difference(&covered).collect::<Vec<_>>(), Vec::<&&str>::new(), "rules without a case");
    rig.end().await;
}

/// Rules that hold at many places: at each of them.
#[tokio::test]
async fn rules_of_many_places_hold_at_each() {
    let rig = Rig::new("places").await;
    for (id, bad, good) in cases::EVERYWHERE {
        let (bad, good): (Value, Value) =
            (serde_json::from_str(bad).expect("JSON"), serde_json::from_str(good).expect("JSON"));
        let rule = rule(id);
        assert!(!rule.at.is_empty());
        for at in &rule.at {
            let mut base = base_with(at);
            // What is tried must not meet the other amounts of its example.
            if let Some((part, _)) = at.split_once(".resources.") {
                base = with(base, &[(&format!("{part}.resources"), json!({}))]);
            }
            let answer = rig.create(&with(base.clone(), &[(at, bad.clone())]), true).await;
            let message = answer.expect_err(at).message;
            assert!(message.contains(&rule.message), "{id} at {at}: {message}");
            let taken = rig.create(&with(base, &[(at, good.clone())]), true).await;
            assert!(taken.is_ok(), "{id} at {at} refuses {good}: {taken:?}");
        }
    }
    rig.end().await;
}

/// An example in which the place of `path` exists.
fn base_with(path: &str) -> Value {
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    let pointer = format!("/{}", parent.replace('.', "/"));
    let found = EXAMPLES.into_iter().map(example).find(|manifest| manifest.pointer(&pointer).is_some());
    found.unwrap_or_else(|| {
        // Blocks whose fields all have defaults may be added to one that is there.
        let part = path.split('.').nth(1).unwrap_or_default();
        let name = if part == "embedded" { "embedded-full" } else { "distributed-full" };
        with(example(name), &[])
    })
}

#[tokio::test]
async fn what_is_misspelt_is_refused() {
    let rig = Rig::new("strict").await;
    let manifest = with(example("distributed"), &[("spec.gateways.mni", json!(3))]);
    let refused = rig.create(&manifest, true).await.expect_err("a strict server");
    assert!(refused.message.contains("unknown field \"spec.gateways.mni\""), "{}", refused.message);
    rig.end().await;
}

/// The largest that the bounds allow: rules are cheap enough for it.
#[tokio::test]
async fn the_largest_manifest_is_within_the_cost_of_rules() {
    let rig = Rig::new("large").await;
    let host = |n: usize| format!("{}{n:02}.{}.example.com:65535", "h".repeat(60), "d".repeat(60));
    let addresses: Vec<String> = (0..16).map(host).collect();
    let labels: serde_json::Map<String, Value> = (0..16)
        .map(|n| (format!("{}.example.com/{}{n}", "l".repeat(60), "k".repeat(50)), json!("v".repeat(63))))
        .collect();
    let origins: Vec<String> = (0..16).map(|n| format!("https://{}{n:02}.example.com", "o".repeat(60))).collect();
    let mut manifest = with(
        example("distributed-full"),
        &[
            ("spec.redis.mode", json!("cluster")),
            ("spec.redis.master", Value::Null),
            ("spec.redis.addresses", json!(addresses)),
            ("spec.kafka.brokers", json!(addresses)),
            ("spec.cassandra.contactPoints", json!(addresses)),
            ("spec.exposure.allowedOrigins", json!(origins)),
        ],
    );
    for part in ["gateways", "writers", "web"] {
        for field in ["labels", "annotations", "serviceAccountAnnotations"] {
            manifest["spec"][part]["pod"][field] = json!(labels);
        }
    }
    rig.create(&manifest, false).await.expect("taken");
    let changed = rig.patch("company", &json!({"spec": {"gateways": {"max": 300}}})).await;
    changed.expect("and changed");
    rig.end().await;
}

#[tokio::test]
async fn columns_tell_what_is_worth_knowing() {
    let rig = Rig::new("columns").await;
    let definition = serde_json::to_value(operator::api::schema::crd()).expect("JSON");
    let columns = definition["spec"]["versions"][0]["additionalPrinterColumns"].as_array().expect("columns").clone();
    let shown = |wide: bool| -> Vec<&str> {
        columns
            .iter()
            .filter(|c| wide || c["priority"].as_i64().unwrap_or(0) == 0)
            .filter_map(|c| c["name"].as_str())
            .collect()
    };
    assert_eq!(shown(false), ["Ready", "Gateways", "Writers", "Connections", "Lag", "Age"]);
    assert_eq!(shown(true), ["Ready", "Gateways", "Writers", "Connections", "Lag", "Draining", "Reason", "Age"]);
    rig.create(&example("distributed"), false).await.expect("taken");
    let status = json!({
        "apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster", "metadata": {"name": "chat"},
        "status": {
            "observedGeneration": 1,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Serving", "message": "", "observedGeneration": 1, "lastTransitionTime": "2026-01-01T00:00:00Z"}],
            "gateways": {"summary": "3/4", "connections": 12345, "draining": 1, "memory": "{}"},
            "writers": {"summary": "1/1", "lagSeconds": 0.5},
        },
    });
    let path = format!("{}/status", rig.cluster_path("chat"));
    let taken = rig.apply_as(&path, &status, "elastic-chat/status").await.expect("a status");
    assert_eq!(taken.object["status"]["gateways"]["memory"], json!("{}"));
    let row = rig.table_row("chat").await;
    assert_eq!(row[1..7], [json!("True"), json!("3/4"), json!("1/1"), json!(12345), json!(0.5), json!(1)], "{row:?}");
    assert_eq!(row[7], "Serving");
    // A condition of somebody else's stays: they are a map by type.
    let other = json!({
        "apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster", "metadata": {"name": "chat"},
        "status": {"conditions": [{"type": "Checked", "status": "True", "reason": "Seen", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}]},
    });
    let taken = rig.apply_as(&path, &other, "somebody").await.expect("a condition");
    assert_eq!(taken.object["status"]["conditions"].as_array().map(Vec::len), Some(2));
    rig.end().await;
}
