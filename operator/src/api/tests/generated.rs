//! Files that are made from the definition. `ELASTIC_CHAT_GENERATE=1 cargo test -p operator --lib generated` writes them
//! anew.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::root;
use crate::api::rules::rules;

/// Writes `text` when asked to; else it must be what is there.
fn check(path: &str, current: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if std::env::var_os("ELASTIC_CHAT_GENERATE").is_some() {
        std::fs::write(&path, current).expect("a file that can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == current,
        "{} is not what the types say: ELASTIC_CHAT_GENERATE=1 cargo test -p operator --lib generated",
        path.display()
    );
}

#[test]
fn the_definition() {
    check("crds/chatclusters.yaml", &crate::cli::crd::yaml().expect("YAML"));
}

#[test]
fn the_reference() {
    let path = "docs/reference/chatcluster.md";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).expect(path);
    let root = root();
    let text = replaced(&text, "spec", &fields(&root["properties"]["spec"], "spec"));
    let text = replaced(&text, "status", &fields(&root["properties"]["status"], "status"));
    check(path, &replaced(&text, "rules", &refusals()));
}

/// What stands between the marks of `name`, with other content.
fn replaced(text: &str, name: &str, content: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: made from the types -->\n"), format!("<!-- end of {name} -->"));
    let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no mark {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no mark {end}"));
    format!("{before}{begin}\n{content}\n{end}{after}")
}

/// A table of all fields below `path`.
fn fields(schema: &Value, path: &str) -> String {
    let mut table = "| field | type | default | range | |\n|---|---|---|---|---|\n".to_owned();
    rows(schema, path, &mut table);
    table
}

fn rows(schema: &Value, path: &str, table: &mut String) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let foreign = ["affinity", "tolerations", "topologySpreadConstraints"].contains(&name.as_str());
        let default = if required.contains(&name.as_str()) { "required".to_owned() } else { default(field) };
        let text = field["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let text = if foreign { "as in a Pod".to_owned() } else { text };
        writeln!(table, "| `{path}` | {} | {default} | {} | {text} |", kind(field), range(field)).expect("a string");
        if !foreign && name != "conditions" {
            rows(field, &path, table);
            rows(&field["items"], &format!("{path}[]"), table);
        }
    }
}

fn kind(field: &Value) -> String {
    if field["x-kubernetes-int-or-string"] == true {
        return "integer or string".to_owned();
    }
    match field["type"].as_str().unwrap_or_default() {
        "array" => format!("list of {}", kind(&field["items"])),
        "object" if field["additionalProperties"].is_object() => "map".to_owned(),
        other => other.to_owned(),
    }
}

fn default(field: &Value) -> String {
    match &field["default"] {
        Value::Null | Value::Object(_) => String::new(),
        value => format!("`{value}`"),
    }
}

fn range(field: &Value) -> String {
    let number = |key: &str| field[key].as_f64().map(|bound| format!("{bound}"));
    if let Some(values) = field["enum"].as_array() {
        let values: Vec<String> = values.iter().filter_map(Value::as_str).map(|value| format!("`{value}`")).collect();
        return values.join(", ");
    }
    let between = |least: Option<String>, most: Option<String>, what: &str| match (least, most) {
        (Some(least), Some(most)) if least == most => format!("{most}{what}"),
        (Some(least), Some(most)) => format!("{least} to {most}{what}"),
        (Some(least), None) => format!("at least {least}{what}"),
        (None, Some(most)) => format!("at most {most}{what}"),
        (None, None) => String::new(),
    };
    match field["type"].as_str() {
        Some("string") => between(number("minLength"), number("maxLength"), " characters"),
        Some("array") => between(number("minItems"), number("maxItems"), ""),
        Some("object") => between(number("minProperties"), number("maxProperties"), ""),
        _ => between(number("minimum"), number("maximum"), ""),
    }
}

/// What is refused, and with which words.
fn refusals() -> String {
    let mut table = "| where | message |\n|---|---|\n".to_owned();
    for rule in rules() {
        let (first, more) = (rule.at[0].clone(), rule.at.len() - 1);
        let field = [first.as_str(), rule.field_path.as_deref().unwrap_or_default()].join(".");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(table, "| `{}`{more} | {} |", field.trim_matches('.'), rule.message.replace('|', "\\|"))
            .expect("a string");
    }
    table
}
