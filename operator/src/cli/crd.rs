//! `operator crd`: prints the definition of ChatCluster.

use anyhow::Context as _;
use std::io::Write as _;

use crate::api::schema;

/// What `crds/chatclusters.yaml` holds.
///
/// # Errors
/// The definition can't be written as YAML.
pub fn yaml() -> anyhow::Result<String> {
    let definition = serde_yaml_ng::to_string(&schema::crd()).context("the definition can't be written as YAML")?;
    Ok(format!("# Made by `operator crd`: don't edit.\n{definition}"))
}

/// Prints it.
///
/// # Errors
/// The output is closed.
pub fn run() -> anyhow::Result<()> {
    std::io::stdout().write_all(yaml()?.as_bytes()).context("cannot print")
}
