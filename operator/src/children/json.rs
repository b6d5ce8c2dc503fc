//! Manifests without empty fields: server-side apply would own them.

use serde_json::Value;

/// Without nulls, empty objects and empty lists, at any depth; but `emptyDir: {}` and the like, which say something by
/// being there, and `podSelector: {}`, which means all.
pub(super) fn pruned(mut value: Value) -> Value {
    prune(&mut value);
    value
}

/// Objects and lists that mean something when they are empty.
const MEANT: [&str; 5] = ["emptyDir", "podSelector", "namespaceSelector", "ingress", "egress"];

fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| {
                prune(field);
                MEANT.contains(&name.as_str()) && !field.is_null() || !is_empty(field)
            });
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_empty_goes_but_for_what_means_something() {
        let value =
            json!({"a": null, "b": {"c": {}}, "d": [], "e": [{}], "emptyDir": {}, "egress": [], "f": false, "g": ""});
        assert_eq!(pruned(value), json!({"e": [{}], "emptyDir": {}, "egress": [], "f": false, "g": ""}));
    }
}
