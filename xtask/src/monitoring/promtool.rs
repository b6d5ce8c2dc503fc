//! Prometheus' own checker. From the path, or out of Debian's package, which is unpacked and not installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::process::output;

/// Older ones know fewer functions; this one was tried.
const LEAST: &str = "2.42";
const NAME: &str = "promtool";
const PACKAGE: &str = "prometheus";

/// # Errors
/// There is none, and it can't be fetched: no apt, no network, no current list of packages.
pub fn promtool() -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(found) = std::env::split_paths(&path).map(|folder| folder.join(NAME)).find(|path| path.is_file()) {
        return Ok(found);
    }
    let folder = stack::cache::folder(PACKAGE, &[LEAST, "apt", NAME], fetch)?;
    Ok(folder.join(NAME))
}

fn fetch(folder: &Path) -> anyhow::Result<()> {
    println!("   fetching Debian's {PACKAGE} for promtool");
    output(Command::new("apt-get").args(["--quiet", "download", PACKAGE]).current_dir(folder))
        .context("is the list of packages current? (apt-get update)")?;
    let fetched = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|kind| kind == "deb"))
        .context("apt-get brought no package")?;
    // The server and its pages are twice as large, and not needed.
    let unpacked = tempfile::tempdir_in(folder)?;
    output(Command::new("dpkg-deb").arg("--extract").arg(&fetched).arg(unpacked.path()))?;
    std::fs::rename(unpacked.path().join("usr/bin").join(NAME), folder.join(NAME))?;
    Ok(std::fs::remove_file(fetched)?)
}
