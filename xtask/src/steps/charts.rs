//! The Helm charts: linted, rendered for every file of values in their `ci` folders, compared with the API's schemas, and
//! looked at for what must hold.

mod crds;
mod monitoring;
mod operator;
mod schemas;

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::helm::{self, Chart};
use crate::process::output;

/// Every check.
///
/// # Errors
/// Of the first that fails, with the file of values it was.
pub fn charts() -> anyhow::Result<String> {
    crds::copy_is_current()?;
    let schemas = schemas::folder()?;
    let mut cases = 0;
    for chart in Chart::ALL {
        for values in chart.cases()? {
            check(chart, &values, &schemas).with_context(|| values.display().to_string())?;
            cases += 1;
        }
    }
    crds::kept_unless_told_otherwise()?;
    operator::refuses_bad_values()?;
    monitoring::nothing_unless_asked_for()?;
    operator::rights_are_those_documented()?;
    Ok(format!("{cases} files of values"))
}

fn check(chart: Chart, values: &Path, schemas: &Path) -> anyhow::Result<()> {
    helm::lint(chart, values)?;
    let rendered = helm::template(chart, &["--values", &values.display().to_string()])?;
    conforms(&rendered, schemas)?;
    let objects = helm::objects(&rendered)?;
    ensure!(!objects.is_empty(), "it renders to nothing");
    each_once(&objects)?;
    match chart {
        Chart::Crds => crds::check(&objects),
        Chart::Operator => operator::check(&objects).and_then(|()| monitoring::check(&objects)),
    }
}

/// Every field is one that the API knows, and of its type.
fn conforms(rendered: &str, schemas: &Path) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("rendered.yaml");
    std::fs::write(&file, rendered)?;
    let location = format!("{}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", schemas.display());
    let mut kubeconform = helm::kubeconform()?;
    // What is of others: the Prometheus operator's schema would have to be fetched from it.
    kubeconform.args(["-strict", "-skip", "PodMonitor,PrometheusRule", "-schema-location", &location]);
    output(kubeconform.arg(file)).map(drop)
}

fn each_once(objects: &[Value]) -> anyhow::Result<()> {
    let mut names: Vec<String> = objects.iter().map(name).collect();
    names.sort();
    for pair in names.windows(2) {
        ensure!(pair[0] != pair[1], "{} is rendered twice", pair[0]);
    }
    Ok(())
}

/// `Kind namespace/name`, for messages too.
fn name(object: &Value) -> String {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"))
}

/// All objects of a kind.
fn of_kind<'a>(objects: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object["kind"] == kind)
}
