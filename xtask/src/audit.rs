//! `./dev audit`: whether somebody has published a weakness of what we depend on. Not part of `./dev test`, since the answer
//! changes without us: it asks databases on the network.

use crate::process::{command, run};
use crate::tools::tool;
use crate::web;

/// # Errors
/// There is one, or a database could not be asked.
pub fn audit() -> anyhow::Result<()> {
    run(&mut command(tool("cargo-deny")?, &["--workspace", "check", "--hide-inclusion-graph", "advisories"]))?;
    run(&mut web::npm(&["audit", "--omit=dev", "--audit-level=high"]))
}
