//! The CustomResourceDefinition: what the types say, made fit for an API server, with the rules of [`super::rules`].

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt as _;
use serde_json::{Map, Value, json};

use super::ChatCluster;
use super::rules::{Rule, rules};

/// For strings of Kubernetes' own types, which are bounded elsewhere. Without a bound a rule over them would be estimated
/// at the size of a whole request.
const MAX_LENGTH: u64 = 1_024;
const MAX_ITEMS: u64 = 64;
const MAX_PROPERTIES: u64 = 64;
/// What an API server knows; others it answers with a warning.
const FORMATS: [&str; 5] = ["int32", "int64", "double", "float", "date-time"];
/// Kubernetes' own types are described by Kubernetes: a third of the definition's size.
const FOREIGN: [&str; 3] = ["affinity", "tolerations", "topologySpreadConstraints"];

/// The definition to install.
///
/// # Panics
/// A rule names a field that does not exist: a test sees to it that this can't be shipped.
pub fn crd() -> CustomResourceDefinition {
    let mut definition = serde_json::to_value(ChatCluster::crd()).expect("a definition is JSON");
    let root = definition.pointer_mut("/spec/versions/0/schema/openAPIV3Schema").expect("the version has a schema");
    tidy(root);
    if let Some(spec) = root.pointer_mut("/properties/spec") {
        bound(spec);
    }
    for name in FOREIGN {
        strip_below(root, name);
    }
    for rule in rules() {
        add(root, &rule);
    }
    complete_defaults(root);
    serde_json::from_value(definition).expect("still a definition")
}

/// The schema of a spec's or status' field, by its path: `spec.gateways.min`.
pub fn field<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').filter(|name| !name.is_empty()).try_fold(root, |schema, name| match name {
        "[]" => schema.get("items"),
        name => schema.get("properties")?.get(name),
    })
}

fn field_mut<'a>(root: &'a mut Value, path: &str) -> Option<&'a mut Value> {
    path.split('.').filter(|name| !name.is_empty()).try_fold(root, |schema, name| match name {
        "[]" => schema.get_mut("items"),
        name => schema.get_mut("properties")?.get_mut(name),
    })
}

fn add(root: &mut Value, rule: &Rule) {
    for path in &rule.at {
        let schema =
            field_mut(root, path).unwrap_or_else(|| panic!("rule {} is at {path}, which is no field", rule.id));
        let mut written = json!({"rule": rule.rule, "message": rule.message, "reason": rule.reason.as_str()});
        if let Some(field_path) = &rule.field_path {
            written["fieldPath"] = json!(format!(".{field_path}"));
        }
        let object = schema.as_object_mut().expect("a schema is an object");
        let list = object.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
        list.as_array_mut().expect("a list").push(written);
    }
}

/// A default must obey the rules at its object as it stands, before the defaults of the fields in it are set.
fn complete_defaults(root: &mut Value) {
    walk(root, &mut |schema| {
        if schema.contains_key("x-kubernetes-validations") && schema.get("default").is_some_and(Value::is_object) {
            let filled = filled(schema);
            schema.insert("default".to_owned(), filled);
        }
    });
}

/// The object that the defaults of the fields make.
fn filled(schema: &Map<String, Value>) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let fields = properties.filter_map(|(name, field)| {
        let field = field.as_object()?;
        let value = match field.get("default")? {
            Value::Object(_) => filled(field),
            value => value.clone(),
        };
        Some((name.clone(), value))
    });
    Value::Object(fields.collect())
}

/// Calls `change` for each schema below and including `schema`.
fn walk(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Some(object) = schema.as_object_mut() else { return };
    change(object);
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        for (_, property) in properties.iter_mut() {
            walk(property, change);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            walk(inner, change);
        }
    }
}

fn tidy(root: &mut Value) {
    walk(root, &mut |schema| {
        // A null is then dropped before defaults are set, and no rule has to know of it.
        schema.remove("nullable");
        if schema.get("format").and_then(Value::as_str).is_some_and(|format| !FORMATS.contains(&format)) {
            schema.remove("format");
        }
        match schema.get("default") {
            // Each field below has its own default: this only makes the object exist.
            Some(Value::Object(_)) => drop(schema.insert("default".to_owned(), json!({}))),
            Some(Value::Null) => drop(schema.remove("default")),
            Some(Value::Array(list)) if list.is_empty() => drop(schema.remove("default")),
            _ => {}
        }
        if let Some(Value::String(text)) = schema.get_mut("description") {
            *text = one_line(text);
        }
        if schema.contains_key("x-kubernetes-int-or-string") {
            schema.remove("type");
        }
    });
}

/// Lines of a doc comment are one paragraph, unless an empty line parts them.
fn one_line(text: &str) -> String {
    text.split("\n\n")
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn bound(spec: &mut Value) {
    walk(spec, &mut |schema| {
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let (key, most) = match kind.as_str() {
            "string" if !schema.contains_key("enum") && !schema.contains_key("format") => ("maxLength", MAX_LENGTH),
            "array" => ("maxItems", MAX_ITEMS),
            "object" if schema.contains_key("additionalProperties") => ("maxProperties", MAX_PROPERTIES),
            _ => return,
        };
        schema.entry(key).or_insert_with(|| json!(most));
    });
}

fn strip_below(schema: &mut Value, name: &str) {
    walk(schema, &mut |object| {
        let Some(foreign) = object.get_mut("properties").and_then(|properties| properties.get_mut(name)) else {
            return;
        };
        let mut first = true;
        walk(foreign, &mut |inner| {
            if !std::mem::take(&mut first) {
                inner.remove("description");
            }
        });
    });
}
