//! Tools that come as wheels: pinned in `.config/tools.txt`, in one folder outside of the checkout.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::files::read;
use crate::process::{output, root};

const LIST: &str = ".config/tools.txt";

/// The path of a tool, installed when it is missing.
pub fn tool(name: &str) -> anyhow::Result<PathBuf> {
    tool_if_present(name)?.with_context(|| format!("{LIST} brings no {name}"))
}

/// As [`tool`], for one that is not made for every kind of machine.
pub fn tool_if_present(name: &str) -> anyhow::Result<Option<PathBuf>> {
    let path = installed()?.join("bin").join(name);
    Ok(path.exists().then_some(path))
}

/// The folder with all tools of the list. Its name is that of the list's content, and it takes that name when it is
/// complete: an installation that was cut off, or is of another list, is made anew, and two at once do no harm.
fn installed() -> anyhow::Result<PathBuf> {
    let list = root().join(LIST);
    let mut content = DefaultHasher::new();
    read(LIST)?.hash(&mut content);
    let folder = stack::cache::root().join(format!("tools-{:016x}", content.finish()));
    if folder.exists() {
        return Ok(folder);
    }
    println!("   installing the tools of {LIST} into {}", folder.display());
    let making = folder.with_extension(std::process::id().to_string());
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&making))?;
    let mut pip = Command::new(making.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]);
    output(pip.arg("--require-hashes").arg("-r").arg(list))?;
    // The tools are programs of their own: they don't mind that the folder moves.
    if let Err(error) = std::fs::rename(&making, &folder) {
        std::fs::remove_dir_all(&making)?;
        anyhow::ensure!(folder.exists(), "{}: {error}", folder.display());
    }
    Ok(folder)
}
