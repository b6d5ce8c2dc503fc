//! Checks of the tree itself, and writing generated files.

use anyhow::bail;

use crate::files::{read, tracked};
use crate::process::{cargo, command, output, root, run};
use crate::tools::tool;
use crate::web;

const OPENAPI: &str = "docs/reference/openapi.json";
const LONGEST_FILE: usize = 400;

fn openapi() -> anyhow::Result<String> {
    output(&mut cargo(&["run", "--quiet", "--package", "chat-node", "--", "openapi"]))
}

pub fn generate() -> anyhow::Result<()> {
    std::fs::write(root().join(OPENAPI), openapi()?)?;
    web::install()?;
    run(&mut web::npm(&["run", "--silent", "generate"]))
}

pub fn format() -> anyhow::Result<()> {
    run(&mut cargo(&["fmt", "--all"]))?;
    web::install()?;
    run(&mut web::npm(&["run", "--silent", "format"]))
}

/// The committed description is what the server's types say now.
pub fn openapi_drift() -> anyhow::Result<String> {
    if read(OPENAPI)? != openapi()? {
        bail!("{OPENAPI} is not what the server says: run `./dev generate` and commit it");
    }
    Ok(String::new())
}

/// The web client's types are those of the description.
pub fn types_drift() -> anyhow::Result<String> {
    web::install()?;
    let path = "web/src/protocol/generated.ts";
    let before = read(path)?;
    output(&mut web::npm(&["run", "--silent", "generate"]))?;
    if before != read(path)? {
        bail!("{path} was not what {OPENAPI} says: it is now, commit it");
    }
    Ok(String::new())
}

/// Lock files name no mirror, and nothing in the tree names a place on somebody's machine.
pub fn tree() -> anyhow::Result<String> {
    let mut problems = Vec::new();
    let npm = read("web/package-lock.json")?;
    if npm.contains("\"resolved\"") {
        problems.push("web/package-lock.json records addresses: keep web/.npmrc, and make it anew".to_owned());
    }
    let official = "registry+https://github.com/rust-lang/crates.io-index";
    for line in read("Cargo.lock")?.lines().filter(|line| line.starts_with("source = ") && !line.contains(official)) {
        problems.push(format!("Cargo.lock has another source: {line}"));
    }
    let mut long = Vec::new();
    for name in tracked()?.iter().filter(|name| is_source(name)) {
        let Ok(text) = read(name) else { continue };
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            long.push(format!("{name} has {lines} lines"));
        }
        if name.rsplit('.').next() == Some("rs") && text.contains(concat!("todo", "!(")) {
            problems.push(format!("{name} has something left to do"));
        }
    }
    if !long.is_empty() {
        problems.push(format!("more than {LONGEST_FILE} lines (one subject each?): {}", long.join(", ")));
    }
    if problems.is_empty() { Ok(String::new()) } else { bail!("{}", problems.join("\n")) }
}

fn is_source(name: &str) -> bool {
    let code = [".rs", ".ts", ".tsx"].iter().any(|end| name.ends_with(end));
    code && !name.contains("generated")
}

pub fn shell() -> anyhow::Result<String> {
    output(&mut command(tool("shellcheck")?, &["dev", ".ci/run"]))
}

pub fn deny() -> anyhow::Result<String> {
    output(&mut command(
        tool("cargo-deny")?,
        &["--workspace", "check", "--hide-inclusion-graph", "bans", "licenses", "sources"],
    ))
}
