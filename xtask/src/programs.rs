//! The workspace's programs as its tests build them.

use std::path::PathBuf;

use crate::process::{cargo, output, target};

/// Builds those that have integration tests, with all tests: a package alone, or programs without tests, would have other
/// features of what they share, and compile it anew. We are not among them: who is running must stay where it is.
/// Returns the folder where they are.
///
/// # Errors
/// They don't compile.
pub fn programs() -> anyhow::Result<PathBuf> {
    let mut build = cargo(&["test", "--quiet", "--workspace", "--no-run", "--locked"]);
    output(build.env("CARGO_INCREMENTAL", "0"))?;
    Ok(target().join("debug"))
}
