//! actionlint, built from a Go module that pins it.

use std::process::Command;

use stack::go_files;
use stack::golang::Program;

use crate::process::command;

const ACTIONLINT: Program = Program {
    name: "actionlint",
    package: "github.com/rhysd/actionlint/cmd/actionlint",
    files: go_files!("../go/actionlint", "tools.go"),
    variables: &[],
};

/// A command of actionlint.
///
/// # Errors
/// It could not be built.
pub fn actionlint(args: &[&str]) -> anyhow::Result<Command> {
    Ok(command(ACTIONLINT.path()?, args))
}
