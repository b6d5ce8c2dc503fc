use std::path::Path;

use crate::process::{command, output, root};

/// The files git knows, from the root.
pub fn tracked() -> anyhow::Result<Vec<String>> {
    let listed = output(&mut command("git", &["ls-files", "-z"]))?;
    Ok(listed.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

/// When a file or anything in a folder was last changed; `None` when it is not there.
pub fn newest(path: &Path) -> Option<std::time::SystemTime> {
    let meta = std::fs::metadata(path).ok()?;
    if !meta.is_dir() {
        return meta.modified().ok();
    }
    std::fs::read_dir(path).ok()?.filter_map(|entry| newest(&entry.ok()?.path())).max()
}

pub fn read(path: &str) -> anyhow::Result<String> {
    Ok(std::fs::read_to_string(root().join(path))?)
}
