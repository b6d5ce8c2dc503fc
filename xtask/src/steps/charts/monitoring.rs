//! Rules and dashboards as the chart brings them: the generated files, whole.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{name, of_kind};
use crate::files::read;
use crate::helm::{self, Chart};
use crate::monitoring::{RULES, RUNBOOKS_URL, files};

/// What must hold for every file of values.
pub fn check(objects: &[Value]) -> anyhow::Result<()> {
    for rule in of_kind(objects, "PrometheusRule") {
        rules_are_whole(rule).with_context(|| name(rule))?;
    }
    let dashboards: Vec<&Value> = of_kind(objects, "ConfigMap").filter(|map| is_dashboard(map)).collect();
    let wanted = files()?.into_iter().filter(|(path, _)| path != RULES);
    let wanted: Vec<(String, String)> = wanted.collect();
    ensure!(dashboards.is_empty() || dashboards.len() == wanted.len(), "{} dashboards", dashboards.len());
    for (path, content) in wanted.iter().filter(|_| !dashboards.is_empty()) {
        let file = path.rsplit('/').next().unwrap_or_default();
        let found =
            dashboards.iter().find_map(|map| map["data"][file].as_str()).with_context(|| format!("no {file}"))?;
        let (found, wanted): (Value, Value) = (serde_json::from_str(found)?, serde_json::from_str(content)?);
        ensure!(found == wanted, "{file} came out as another dashboard");
    }
    Ok(())
}

fn is_dashboard(map: &Value) -> bool {
    map["data"]
        .as_object()
        .is_some_and(|data| data.keys().any(|file| Path::new(file).extension().is_some_and(|kind| kind == "json")))
}

/// But for the address of the runbooks it is the file: the alerts' own templates must not be taken for Helm's.
fn rules_are_whole(rule: &Value) -> anyhow::Result<()> {
    let mut wanted: Value = serde_yaml_ng::from_str(&read(RULES)?)?;
    let mut found = rule["spec"].clone();
    let mut seen = 0;
    for groups in [&mut wanted, &mut found] {
        let groups = groups["groups"].as_array_mut().context("no groups")?;
        for rule in groups.iter_mut().flat_map(|group| group["rules"].as_array_mut().into_iter().flatten()) {
            if let Some(link) = rule.pointer_mut("/annotations/runbook_url") {
                let (base, page) = link.as_str().and_then(|link| link.rsplit_once('/')).context("no link")?;
                ensure!(
                    page.starts_with("Chat") && base.starts_with("http") && !base.ends_with('/'),
                    "{link} leads nowhere"
                );
                seen += usize::from(base != RUNBOOKS_URL);
                *link = page.into();
            }
        }
    }
    ensure!(seen > 0, "the address of the runbooks can't be changed");
    ensure!(found == wanted, "its rules are not those of {RULES}");
    Ok(())
}

/// Neither is wanted by a cluster without the Prometheus operator and Grafana.
pub fn nothing_unless_asked_for() -> anyhow::Result<()> {
    let objects = helm::objects(&helm::template(Chart::Operator, &[])?)?;
    let strange = objects.iter().find(|object| object["kind"] == "PrometheusRule" || is_dashboard(object));
    ensure!(strange.is_none(), "{} comes by default", strange.map(name).unwrap_or_default());
    Ok(())
}
