//! Building and checking the web client.

use std::path::PathBuf;
use std::process::Command;

use crate::files::newest;
use crate::process::{root, run};

pub fn folder() -> PathBuf {
    root().join("web")
}

pub fn npm(args: &[&str]) -> Command {
    let mut command = Command::new("npm");
    command.args(args).current_dir(folder()).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1").env("CI", "1");
    command
}

/// Installs the packages when the lock file is newer than what is there.
pub fn install() -> anyhow::Result<()> {
    let (lock, stamp) = (folder().join("package-lock.json"), folder().join("node_modules/.dev-stamp"));
    if newest(&stamp).is_some_and(|stamp| newest(&lock).is_some_and(|lock| lock <= stamp)) {
        return Ok(());
    }
    run(&mut npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    std::fs::write(stamp, "")?;
    Ok(())
}

/// Builds `web/dist` when a source is newer than it. The node embeds it.
pub fn build() -> anyhow::Result<()> {
    install()?;
    let sources = ["src", "public", "index.html", "package-lock.json", "vite.config.ts"];
    let changed = sources.iter().filter_map(|name| newest(&folder().join(name))).max();
    let built = newest(&folder().join("dist/index.html"));
    if built.is_some() && built >= changed {
        return Ok(());
    }
    run(&mut npm(&["run", "--silent", "build"]))
}
