//! The workspace's programs as its tests build them.

use std::path::PathBuf;

use crate::process::{cargo, output, target};

/// Builds all of them, and their tests too: a package alone, or programs without tests, would have other features of what they
/// share, and compile it anew. Returns the folder where they are.
///
/// # Errors
/// They don't compile.
pub fn programs() -> anyhow::Result<PathBuf> {
    let mut build = cargo(&["build", "--quiet", "--workspace", "--bins", "--tests", "--locked"]);
    output(build.env("CARGO_INCREMENTAL", "0"))?;
    Ok(target().join("debug"))
}
