use std::process::{Command, Stdio};

use anyhow::bail;

use crate::files::read;
use crate::generate::{OPENAPI, openapi};
use crate::process::{cargo, command, output};
use crate::tools::tool;

/// No incremental files: every cargo step shares what the others built, and a cold build is smaller.
pub fn lean(args: &[&str]) -> Command {
    let mut command = cargo(args);
    command.env("CARGO_INCREMENTAL", "0");
    command
}

pub fn format() -> anyhow::Result<String> {
    output(&mut cargo(&["fmt", "--all", "--check"])).map(|_| String::new())
}

pub fn clippy() -> anyhow::Result<String> {
    let args = ["clippy", "--quiet", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
    output(&mut lean(&args)).map(|_| String::new())
}

/// What needs no server; the others have steps of their own.
pub fn test() -> anyhow::Result<String> {
    passes(nextest("not (binary(real) or binary(faults) or binary(api) or binary(e2e))")?.arg("--no-tests=fail"))
}

/// The tests that a filter selects.
pub fn nextest(filter: &str) -> anyhow::Result<Command> {
    let args = ["nextest", "run", "--workspace", "--locked", "--cargo-quiet", "--filterset", filter];
    let mut command = command(tool("cargo-nextest")?, &args);
    command.env("CARGO_INCREMENTAL", "0").stdin(Stdio::null());
    Ok(command)
}

/// Shown as it goes: a test that hangs should be seen to.
pub fn passes(nextest: &mut Command) -> anyhow::Result<String> {
    anyhow::ensure!(nextest.status()?.success(), "tests failed, see above");
    Ok(String::new())
}

pub fn doc_test() -> anyhow::Result<String> {
    output(&mut lean(&["test", "--quiet", "--workspace", "--doc", "--locked"])).map(|_| String::new())
}

/// The committed description is what the server's types say now.
pub fn openapi_drift() -> anyhow::Result<String> {
    if read(OPENAPI)? != openapi()? {
        bail!("{OPENAPI} is not what the node says: run `./dev generate` and commit it");
    }
    Ok(String::new())
}
