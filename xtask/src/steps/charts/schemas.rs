//! kubeconform's schemas without a network: out of the OpenAPI description that the module of Kubernetes carries, and of our
//! own definitions. One file for each kind; unknown fields are refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Map, Value, json};

use crate::files::read;
use crate::generate::CRDS;
use crate::helm;
use crate::process::{command, output};

/// Where the wrapper module is that pins Kubernetes.
const PINNED: &str = "crates/local-cluster/go/kubernetes";
const DESCRIPTION: &str = "api/openapi-spec/swagger.json";
/// Number it up when something below changes.
const RECIPE: &str = "1";

/// The folder, made when it is not there.
///
/// # Errors
/// The module can't be had.
pub fn folder() -> anyhow::Result<PathBuf> {
    let mut made_from = vec![RECIPE.to_owned(), read(&format!("{PINNED}/go.mod"))?];
    for (crd, _) in CRDS {
        made_from.push(read(crd)?);
    }
    let parts: Vec<&str> = made_from.iter().map(String::as_str).collect();
    stack::cache::folder("schemas", &parts, |folder| {
        write_builtin(&description()?, folder)?;
        for definition in &made_from[2..] {
            for object in helm::objects(definition)? {
                write_custom(&object, folder)?;
            }
        }
        Ok(())
    })
}

fn description() -> anyhow::Result<Value> {
    let said = output(&mut command("go", &["-C", PINNED, "mod", "download", "-json", "k8s.io/kubernetes"]))?;
    let module: Value = serde_json::from_str(&said)?;
    let folder = module["Dir"].as_str().context("Go tells no folder of k8s.io/kubernetes")?;
    let file = Path::new(folder).join(DESCRIPTION);
    let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    Ok(serde_json::from_str(&text)?)
}

fn write_builtin(description: &Value, folder: &Path) -> anyhow::Result<()> {
    let definitions = description["definitions"].as_object().context("no definitions")?;
    for (name, definition) in definitions {
        // What is of every group, as DeleteOptions, is never applied.
        let Some([kind]) = definition["x-kubernetes-group-version-kind"].as_array().map(Vec::as_slice) else {
            continue;
        };
        let mut needed = BTreeSet::from([name.clone()]);
        gather(definition, definitions, &mut needed);
        let closed: Map<String, Value> =
            needed.into_iter().map(|name| (name.clone(), closed(&definitions[&name]))).collect();
        let text = |field: &str| kind[field].as_str().unwrap_or_default();
        let schema = json!({"$ref": format!("#/definitions/{name}"), "definitions": closed});
        write(folder, text("group"), text("version"), text("kind"), &schema)?;
    }
    Ok(())
}

fn write_custom(definition: &Value, folder: &Path) -> anyhow::Result<()> {
    let spec = &definition["spec"];
    for version in spec["versions"].as_array().context("no versions")? {
        let mut schema = closed(&version["schema"]["openAPIV3Schema"]);
        for (field, kind) in [("apiVersion", "string"), ("kind", "string"), ("metadata", "object")] {
            schema["properties"][field] = json!({"type": kind});
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        write(folder, &text(&spec["group"]), &text(&version["name"]), &text(&spec["names"]["kind"]), &schema)?;
    }
    Ok(())
}

/// By kubeconform's rule: the kind, the first label of the group, the version.
fn write(folder: &Path, group: &str, version: &str, kind: &str, schema: &Value) -> anyhow::Result<()> {
    let group = group.split('.').next().unwrap_or_default();
    let parts: Vec<&str> = [kind, group, version].into_iter().filter(|part| !part.is_empty()).collect();
    let file = folder.join(format!("{}.json", parts.join("-").to_lowercase()));
    Ok(std::fs::write(file, schema.to_string())?)
}

/// The names of all definitions that one refers to.
fn gather(node: &Value, definitions: &Map<String, Value>, needed: &mut BTreeSet<String>) {
    match node {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
            if let Some((name, found)) = reference.and_then(|name| definitions.get_key_value(name))
                && needed.insert(name.clone())
            {
                gather(found, definitions, needed);
            }
            fields.values().for_each(|field| gather(field, definitions, needed));
        }
        Value::Array(items) => items.iter().for_each(|item| gather(item, definitions, needed)),
        _ => {}
    }
}

/// A schema that refuses unknown fields, with what OpenAPI says in its own way said as JSON Schema does.
fn closed(node: &Value) -> Value {
    let Value::Object(fields) = node else {
        return match node {
            Value::Array(items) => items.iter().map(closed).collect(),
            other => other.clone(),
        };
    };
    let mut out = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "description" | "default" | "example" => {}
            "properties" => {
                let properties = value.as_object().into_iter().flatten().map(|(name, own)| (name.clone(), closed(own)));
                out.insert(name.clone(), Value::Object(properties.collect()));
            }
            _ => drop(out.insert(name.clone(), closed(value))),
        }
    }
    let set = |name: &str| fields.get(name).is_some_and(|value| *value == true);
    if set("x-kubernetes-int-or-string") || fields.get("format").is_some_and(|format| format == "int-or-string") {
        out.remove("format");
        out.insert("type".to_owned(), json!(["string", "integer"]));
    } else if fields.get("properties").is_some_and(Value::is_object)
        && !fields.contains_key("additionalProperties")
        && !set("x-kubernetes-preserve-unknown-fields")
    {
        out.insert("additionalProperties".to_owned(), false.into());
    }
    Value::Object(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_fields_are_refused_but_where_they_are_kept() {
        let schema = json!({"type": "object", "description": "x", "properties": {
            "port": {"format": "int-or-string", "type": "string"},
            "open": {"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": true},
            "description": {"type": "string"},
        }});
        let expected = json!({"type": "object", "additionalProperties": false, "properties": {
            "port": {"type": ["string", "integer"]},
            "open": {"type": "object", "properties": {}, "x-kubernetes-preserve-unknown-fields": true},
            "description": {"type": "string"},
        }});
        assert_eq!(closed(&schema), expected);
    }

    #[test]
    fn what_is_referred_to_comes_along_once() {
        let definitions =
            json!({"a": {"$ref": "#/definitions/b"}, "b": {"items": {"$ref": "#/definitions/a"}}, "c": {}});
        let mut needed = BTreeSet::from(["a".to_owned()]);
        gather(&definitions["a"], definitions.as_object().expect("an object"), &mut needed);
        assert_eq!(needed.into_iter().collect::<String>(), "ab");
    }
}
