//! Tools that come as wheels: pinned in `.config/tools.txt`, in one folder outside of the checkout.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;

use crate::files::read;
use crate::process::output;

const LIST: &str = ".config/tools.txt";

fn cache() -> PathBuf {
    let base = std::env::var_os("XDG_CACHE_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| ".".into())).join(".cache");
    base.unwrap_or_else(home).join("elastic-chat")
}

/// The path of a tool, installed when it is missing.
pub fn tool(name: &str) -> anyhow::Result<PathBuf> {
    tool_if_present(name)?.with_context(|| format!("{LIST} brings no {name}"))
}

/// As [`tool`], for one that is not made for every kind of machine.
pub fn tool_if_present(name: &str) -> anyhow::Result<Option<PathBuf>> {
    let path = installed()?.join("bin").join(name);
    Ok(path.exists().then_some(path))
}

/// The folder with all tools of the list. It holds a copy of the list, written last: an installation that was cut off,
/// or is of another list, is made anew.
fn installed() -> anyhow::Result<PathBuf> {
    let folder = cache().join("tools");
    let stamp = folder.join("installed.txt");
    let list = read(LIST)?;
    if std::fs::read_to_string(&stamp).is_ok_and(|done| done == list) {
        return Ok(folder);
    }
    println!("   installing the tools of {LIST} into {}", folder.display());
    output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--require-hashes", "-r"]);
    output(pip.arg(crate::process::root().join(LIST)))?;
    std::fs::write(stamp, list)?;
    Ok(folder)
}
