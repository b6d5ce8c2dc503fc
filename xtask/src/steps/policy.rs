//! Other people's checkers.

use std::path::Path;

use crate::actionlint::actionlint;
use crate::files::tracked;
use crate::process::{command, output, root};
use crate::release;
use crate::tools::{tool, tool_if_present};

pub fn shell() -> anyhow::Result<String> {
    let Some(shellcheck) = tool_if_present("shellcheck")? else {
        return Ok("no shellcheck for this machine: nothing was checked".to_owned());
    };
    let mut scripts = vec!["dev".to_owned(), ".ci/run".to_owned()];
    let script =
        |name: &String| name.starts_with("deploy/") && Path::new(name).extension().is_some_and(|kind| kind == "sh");
    scripts.extend(tracked()?.into_iter().filter(script));
    output(command(shellcheck, &["--external-sources"]).args(scripts)).map(|_| String::new())
}

pub fn spelling() -> anyhow::Result<String> {
    output(&mut command(tool("typos")?, &["--config", ".config/typos.toml", "--format", "brief"]))
        .map(|_| String::new())
}

pub fn workflow() -> anyhow::Result<String> {
    if !root().join(".github/workflows").exists() {
        return Ok("there is none".to_owned());
    }
    // With shellcheck it reads what is run as well.
    let shellcheck = tool_if_present("shellcheck")?.map(|path| path.display().to_string()).unwrap_or_default();
    output(&mut actionlint(&["-color=false", "-pyflakes=", &format!("-shellcheck={shellcheck}")])?)?;
    let args = ["--offline", "--quiet", "--persona", "pedantic", ".github"];
    output(&mut command(tool("zizmor")?, &args)).map(|_| String::new())
}

/// Advisories are left out: they need a database from the network.
pub fn deny() -> anyhow::Result<String> {
    let args = ["--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"];
    output(&mut command(tool("cargo-deny")?, &args)).map(|_| String::new())
}

pub fn unused() -> anyhow::Result<String> {
    output(&mut command(tool("cargo-shear")?, &["--color=never", "--locked"])).map(|_| String::new())
}

/// Argo CD's health of a `ChatCluster`, in the Lua that Argo CD has.
pub fn health() -> anyhow::Result<String> {
    let said = output(&mut command("lua5.1", &["deploy/gitops/argocd/test.lua"]))?;
    Ok(said.trim().to_owned())
}

pub fn release() -> anyhow::Result<String> {
    release::agree()
}
