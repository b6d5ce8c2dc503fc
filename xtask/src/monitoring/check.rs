//! The checks of `./dev test --only alerts`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::reference::Reference;
use super::rules::{self, Rule, Rules};
use super::{DASHBOARDS, RULES, RUNBOOKS, dashboards, files, promtool};
use crate::files::{read, tracked};
use crate::process::{output, root};

/// Prometheus' unit tests of the rules.
const TESTS: &str = "deploy/monitoring/rules.test.yaml";
/// What each runbook has to answer.
const CHAPTERS: [&str; 4] = ["## Meaning", "## Impact", "## Diagnosis", "## Remedy"];
/// Columns of Grafana's grid.
const COLUMNS: u64 = 24;

/// Everything.
///
/// # Errors
/// Of the first check that fails.
pub fn alerts() -> anyhow::Result<String> {
    let (rules, dashboards) = (rules::all(), dashboards::all());
    current()?;
    let mut exprs = of_rules(&rules);
    for dashboard in &dashboards {
        laid_out(dashboard).with_context(|| dashboard["uid"].to_string())?;
        exprs.extend(of_dashboard(dashboard));
    }
    known(&rules, &exprs)?;
    let alerts = alert_names(&rules);
    runbooks(&alerts)?;
    tried(&alerts)?;
    let counted = format!("{} alerts, {} expressions", alerts.len(), exprs.len());
    let promtool = match promtool::promtool() {
        Ok(promtool) => promtool,
        // As for other tools that are not to be had for every machine.
        Err(error) => return Ok(format!("{counted}; no promtool, so the rules' own tests did not run: {error}")),
    };
    sound(&promtool, &exprs)?;
    output(std::process::Command::new(&promtool).args(["check", "rules"]).arg(root().join(RULES)))?;
    output(std::process::Command::new(&promtool).args(["test", "rules"]).arg(root().join(TESTS)))?;
    Ok(counted)
}

/// The files are what the code says, and there are no others.
fn current() -> anyhow::Result<()> {
    let wanted = files()?;
    for (path, content) in &wanted {
        ensure!(read(path).is_ok_and(|found| found == *content), "{path} is not current: run ./dev generate");
    }
    let strange = tracked()?
        .into_iter()
        .find(|name| name.starts_with(&format!("{DASHBOARDS}/")) && !wanted.iter().any(|(path, _)| path == name));
    ensure!(strange.is_none(), "{} is not generated any more: remove it", strange.unwrap_or_default());
    Ok(())
}

/// Each with where it stands, for messages.
fn of_rules(rules: &Rules) -> Vec<(String, String)> {
    let all = rules.groups.iter().flat_map(|group| &group.rules);
    all.map(|rule| match rule {
        Rule::Record { record, expr } => (record.clone(), expr.clone()),
        Rule::Alert(alert) => (alert.name.to_owned(), alert.expr.clone()),
    })
    .collect()
}

/// With Grafana's variables as a person leaves them.
fn of_dashboard(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    let targets = panels.flat_map(|panel| {
        let targets = panel["targets"].as_array().into_iter().flatten();
        targets.map(move |target| (panel["title"].clone(), target["expr"].as_str().unwrap_or_default()))
    });
    targets
        .map(|(title, expr)| {
            let plain = expr.replace("$__rate_interval", "2m").replace("$namespace", ".*").replace("$job", ".*");
            (format!("{} / {title}", dashboard["title"]), plain)
        })
        .collect()
}

/// Every expression names metrics and labels that our programs export.
fn known(rules: &Rules, exprs: &[(String, String)]) -> anyhow::Result<()> {
    let reference = Reference::of(rules)?;
    let mut problems = String::new();
    for (place, expr) in exprs {
        for problem in reference.unknown(expr) {
            writeln!(problems, "{place}: {problem}\n    {expr}")?;
        }
    }
    ensure!(problems.is_empty(), "{problems}");
    Ok(())
}

/// Prometheus can read every expression: as rules that are only looked at.
fn sound(promtool: &Path, exprs: &[(String, String)]) -> anyhow::Result<()> {
    let rules: Vec<Value> = exprs
        .iter()
        .enumerate()
        .map(|(n, (place, expr))| serde_json::json!({"record": format!("e{n}"), "expr": expr, "labels": {"place": place}}))
        .collect();
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("expressions.yaml");
    // JSON is YAML.
    std::fs::write(&file, serde_json::json!({"groups": [{"name": "all", "rules": rules}]}).to_string())?;
    output(std::process::Command::new(promtool).args(["check", "rules"]).arg(file)).map(drop)
}

fn alert_names(rules: &Rules) -> BTreeSet<&'static str> {
    let all = rules.groups.iter().flat_map(|group| &group.rules);
    all.filter_map(|rule| match rule {
        Rule::Alert(alert) => Some(alert.name),
        Rule::Record { .. } => None,
    })
    .collect()
}

/// Each alert has a runbook with all its chapters, and each runbook an alert.
fn runbooks(alerts: &BTreeSet<&str>) -> anyhow::Result<()> {
    let mut problems = Vec::new();
    for alert in alerts {
        let page = format!("{RUNBOOKS}/{alert}.md");
        let Ok(text) = read(&page) else {
            problems.push(format!("{alert} has no {page}"));
            continue;
        };
        if !text.starts_with(&format!("# {alert}\n")) {
            problems.push(format!("{page} has another title"));
        }
        let missing = CHAPTERS.iter().filter(|chapter| !text.contains(&format!("\n{chapter}\n")));
        problems.extend(missing.map(|chapter| format!("{page} has no `{chapter}`")));
        if !text.contains("```sh") {
            problems.push(format!("{page} has no command"));
        }
    }
    for entry in std::fs::read_dir(root().join(RUNBOOKS)).context(RUNBOOKS)? {
        let name = entry?.file_name().to_string_lossy().trim_end_matches(".md").to_owned();
        if name != "README" && !alerts.contains(name.as_str()) {
            problems.push(format!("{RUNBOOKS}/{name}.md is of no alert"));
        }
    }
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    Ok(())
}

/// Each alert fires in a unit test at one moment, and at another one of the same test it does not.
fn tried(alerts: &BTreeSet<&str>) -> anyhow::Result<()> {
    let tests: Value = serde_yaml_ng::from_str(&read(TESTS)?)?;
    let tests = tests["tests"].as_array().context("no tests")?;
    for alert in alerts {
        let mark = format!("alertname=\"{alert}\"");
        let fires = |moment: &Value| {
            let samples = moment["exp_samples"].as_array().into_iter().flatten();
            samples.filter_map(|sample| sample["labels"].as_str()).any(|labels| labels.contains(&mark))
        };
        let found = tests.iter().any(|test| {
            let moments = || test["promql_expr_test"].as_array().into_iter().flatten();
            moments().any(fires) && moments().any(|moment| !fires(moment))
        });
        ensure!(found, "{TESTS}: no test has a moment at which {alert} fires, and one at which it does not");
    }
    Ok(())
}

/// No panel lies over another or outside of the grid, and each tells what it shows.
fn laid_out(dashboard: &Value) -> anyhow::Result<()> {
    let panels = dashboard["panels"].as_array().context("no panels")?;
    let mut taken = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap_or_default();
        let at = |side: &str| panel["gridPos"][side].as_u64().unwrap_or_default();
        ensure!(at("w") > 0 && at("h") > 0 && at("x") + at("w") <= COLUMNS, "{title} lies outside of the grid");
        for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
            ensure!(taken.insert((x, y)), "{title} lies over another panel");
        }
        if panel["type"] != "row" && panel["description"].as_str().is_none_or(str::is_empty) {
            bail!("{title} does not say what it shows");
        }
    }
    Ok(())
}
