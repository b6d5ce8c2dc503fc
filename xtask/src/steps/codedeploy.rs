//! `deploy/codedeploy/appspec.yml`, as the CodeDeploy agent reads it. Its hooks are run by a test of the node.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::files::read;
use crate::process::root;

const FOLDER: &str = "deploy/codedeploy";
/// The hooks of a deployment to EC2, in the order in which the agent runs them. Between them are steps of its own.
const HOOKS: [&str; 9] = [
    "BeforeBlockTraffic",
    "AfterBlockTraffic",
    "ApplicationStop",
    "BeforeInstall",
    "AfterInstall",
    "ApplicationStart",
    "ValidateService",
    "BeforeAllowTraffic",
    "AfterAllowTraffic",
];
/// For all scripts of a hook together, in seconds.
const LONGEST: u64 = 3600;

/// What the agent knows, and nothing else: it ignores what is misspelt.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AppSpec {
    version: f64,
    os: String,
    files: Vec<CopiedFile>,
    file_exists_behavior: String,
    permissions: Vec<Permission>,
    hooks: BTreeMap<String, Vec<Script>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CopiedFile {
    source: String,
    destination: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Permission {
    object: String,
    #[serde(rename = "pattern")]
    _pattern: String,
    #[serde(rename = "owner")]
    _owner: String,
    #[serde(rename = "group")]
    _group: String,
    mode: u32,
    #[serde(rename = "type")]
    kinds: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    location: String,
    timeout: u64,
    runas: String,
}

/// Every check.
///
/// # Errors
/// With what the agent would refuse, or ignore.
pub fn codedeploy() -> anyhow::Result<String> {
    let text = read(&format!("{FOLDER}/appspec.yml"))?;
    let spec: AppSpec = serde_yaml_ng::from_str(&text).context("appspec.yml")?;
    ensure!(spec.version == 0.0 && spec.os == "linux", "appspec.yml: version is 0.0, os linux");
    ensure!(["DISALLOW", "OVERWRITE", "RETAIN"].contains(&spec.file_exists_behavior.as_str()), "file_exists_behavior");
    let [CopiedFile { source, destination }] = spec.files.as_slice() else {
        anyhow::bail!("appspec.yml copies the whole revision, to one place");
    };
    ensure!(source == "/" && destination.starts_with('/'), "{source} → {destination}");
    for Permission { object, mode, kinds, .. } in &spec.permissions {
        ensure!(object.starts_with(destination), "{object} is not of the revision");
        // Decimal digits are read as octal ones.
        ensure!(mode.to_string().bytes().all(|digit| digit < b'8') && kinds == &["file"], "mode {mode} of {object}");
    }
    let mut count = 0;
    for (hook, scripts) in &spec.hooks {
        ensure!(HOOKS.contains(&hook.as_str()), "{hook} is no hook of the agent");
        ensure!(scripts.iter().map(|script| script.timeout).sum::<u64>() <= LONGEST, "{hook} may take too long");
        for Script { location, timeout, runas } in scripts {
            let path = root().join(FOLDER).join(location);
            let mode = std::fs::metadata(&path).with_context(|| path.display().to_string())?.permissions().mode();
            ensure!(mode & 0o100 != 0, "{location} can't be executed");
            ensure!(*timeout > 0 && runas == "root", "{location}: timeout and runas");
            count += 1;
        }
    }
    let written: Vec<&str> = HOOKS.into_iter().filter(|hook| spec.hooks.contains_key(*hook)).collect();
    let mut at = 0;
    for hook in written {
        let found = text[at..].find(&format!("\n  {hook}:")).with_context(|| format!("{hook} stands out of order"))?;
        at += found + 1;
    }
    Ok(format!("{count} hooks"))
}
