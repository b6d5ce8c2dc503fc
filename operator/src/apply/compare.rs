//! Whether an object is as wanted: everything that is wanted is there, whatever else there may be.
//!
//! A `false` costs one call, in which the API server compares rightly; a wrong `true` would leave drift. So in doubt:
//! `false`. Two quantities that are written differently, for example, are not alike here.

use serde_json::{Map, Value};

/// Lists that server-side apply merges by a key: others may add entries. All other lists belong to one manager as a whole.
const KEYED: &[(&str, &[&str])] = &[
    ("containers", &["name"]),
    ("initContainers", &["name"]),
    ("env", &["name"]),
    ("volumes", &["name"]),
    ("volumeMounts", &["mountPath"]),
    ("ports", &["containerPort", "port"]),
    ("imagePullSecrets", &["name"]),
    ("topologySpreadConstraints", &["topologyKey", "whenUnsatisfiable"]),
    ("ownerReferences", &["uid"]),
    ("hostAliases", &["ip"]),
];

/// Whether `live` has everything of `wanted`.
pub fn holds(wanted: &Value, live: &Value) -> bool {
    let (Value::Object(wanted), Value::Object(live)) = (wanted, live) else { return false };
    object(wanted, live, false)
}

/// `whole`: inside of a list that belongs to one manager, where nobody else may have added a thing to a list.
fn object(wanted: &Map<String, Value>, live: &Map<String, Value>, whole: bool) -> bool {
    wanted.iter().all(|(name, wanted)| match live.get(name) {
        Some(live) => value(name, wanted, live, whole),
        None => is_nothing(wanted),
    })
}

fn value(name: &str, wanted: &Value, live: &Value, whole: bool) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => object(wanted, live, whole),
        (Value::Array(wanted), Value::Array(live)) => list(name, wanted, live, whole),
        (Value::Number(wanted), Value::Number(live)) => wanted == live || wanted.as_f64() == live.as_f64(),
        _ => wanted == live,
    }
}

fn list(name: &str, wanted: &[Value], live: &[Value], whole: bool) -> bool {
    let keys = KEYED.iter().find(|(list, _)| *list == name).map(|(_, keys)| *keys);
    match keys {
        Some(keys) if !whole => wanted.iter().all(|wanted| {
            let same = |live: &&Value| keys.iter().all(|key| wanted.get(key) == live.get(key));
            live.iter().find(same).is_some_and(|live| value("", wanted, live, false))
        }),
        _ => wanted.len() == live.len() && wanted.iter().zip(live).all(|(wanted, live)| value("", wanted, live, true)),
    }
}

/// What the API server does not write down.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.values().all(is_nothing),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({"kind": "Deployment", "metadata": {"name": "a", "labels": {"x": "1"}}, "spec": {"template": {"spec": {
            "containers": [{"name": "chat", "image": "i:1", "args": ["a", "b"], "securityContext": {},
                "ports": [{"name": "http", "containerPort": 8080}], "env": [{"name": "A", "value": "1"}]}]}}}})
    }

    /// As the API server gives it back: with defaults and bookkeeping.
    fn live() -> Value {
        let mut live = deployment();
        live["metadata"]["uid"] = json!("u");
        live["spec"]["replicas"] = json!(4);
        let container = &mut live["spec"]["template"]["spec"]["containers"][0];
        container["imagePullPolicy"] = json!("IfNotPresent");
        container["ports"][0]["protocol"] = json!("TCP");
        container.as_object_mut().expect("a container").remove("securityContext");
        live
    }

    #[test]
    fn defaults_and_foreign_additions_are_no_drift() {
        let mut live = live();
        assert!(holds(&deployment(), &live));
        live["metadata"]["annotations"] = json!({"admin": "was here"});
        let containers = live["spec"]["template"]["spec"]["containers"].as_array_mut().expect("containers");
        containers.insert(0, json!({"name": "mesh-proxy", "image": "m:1"}));
        assert!(holds(&deployment(), &live));
    }

    #[test]
    fn what_was_changed_is_drift() {
        let edits: [fn(&mut Value); 5] = [
            |live| live["metadata"]["labels"]["x"] = json!("2"),
            |live| drop(live["metadata"].as_object_mut().expect("metadata").remove("labels")),
            |live| live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("i:2"),
            |live| live["spec"]["template"]["spec"]["containers"][0]["args"] = json!(["a", "b", "--insecure"]),
            |live| live["spec"]["template"]["spec"]["containers"][0]["env"] = json!([]),
        ];
        for edit in edits {
            let mut live = live();
            edit(&mut live);
            assert!(!holds(&deployment(), &live), "{live}");
        }
    }

    #[test]
    fn a_rule_added_to_a_whole_list_is_drift() {
        let rule = |port: u16| json!({"ports": [{"port": port, "protocol": "TCP"}]});
        let wanted = json!({"spec": {"ingress": [rule(8080)]}});
        assert!(holds(&wanted, &json!({"spec": {"ingress": [rule(8080)], "policyTypes": ["Ingress"]}})));
        assert!(!holds(&wanted, &json!({"spec": {"ingress": [rule(8080), rule(9090)]}})));
        let mut wider = json!({"spec": {"ingress": [rule(8080)]}});
        wider["spec"]["ingress"][0]["ports"].as_array_mut().expect("ports").push(json!({"port": 9090}));
        assert!(!holds(&wanted, &wider));
    }
}
