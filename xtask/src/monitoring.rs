//! What watches the chat: objectives, alerts and dashboards, written from here into the operator's chart.

mod alerts;
mod dashboards;
mod objectives;
mod panels;
mod promql;
mod promtool;
mod reference;
mod rules;

pub mod check;

use serde_json::Value;

use crate::process::root;

pub const RULES: &str = "charts/elastic-chat-operator/files/rules.yaml";
pub const DASHBOARDS: &str = "charts/elastic-chat-operator/files/dashboards";
/// What the chart's value `prometheusRule.runbooks` is by default; the chart puts its value in the place of this.
pub const RUNBOOKS_URL: &str = "https://example.com/elastic-chat/runbooks";
pub const RUNBOOKS: &str = "docs/runbooks";

/// Every generated file: its path from the root, and what is in it.
///
/// # Errors
/// It can't be written as text.
pub fn files() -> anyhow::Result<Vec<(String, String)>> {
    let rules = serde_yaml_ng::to_string(&rules::all())?;
    let head = "# Generated from xtask/src/monitoring by `./dev generate`. Prometheus reads it as it is; the chart wraps it.\n";
    let mut files = vec![(RULES.to_owned(), format!("{head}{rules}"))];
    for dashboard in dashboards::all() {
        let uid = dashboard["uid"].as_str().unwrap_or_default();
        files.push((format!("{DASHBOARDS}/{uid}.json"), text(&dashboard)?));
    }
    Ok(files)
}

fn text(json: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(json)? + "\n")
}

/// Writes them.
///
/// # Errors
/// Of the file system.
pub fn generate() -> anyhow::Result<()> {
    std::fs::create_dir_all(root().join(DASHBOARDS))?;
    for (path, content) in files()? {
        std::fs::write(root().join(path), content)?;
    }
    Ok(())
}
