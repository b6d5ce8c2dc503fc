//! The node's part of the control group hierarchies, of either version.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

const ROOT: &str = "/sys/fs/cgroup";

/// Makes it in every hierarchy.
pub(crate) fn create(name: &str) -> anyhow::Result<()> {
    for hierarchy in hierarchies() {
        // Version 2: what is not handed down can't be limited below. On a machine's own root that is allowed at any time.
        for controller in ["+cpu", "+cpuset", "+io", "+memory", "+pids", "+hugetlb"] {
            let _ = std::fs::write(hierarchy.join("cgroup.subtree_control"), controller);
        }
        let folder = hierarchy.join(name);
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        // Version 1: a new set of processors and memory nodes is empty, and takes no process.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if hierarchy.join("cgroup.controllers").exists() {
                continue;
            }
            if let Ok(all) = std::fs::read(hierarchy.join(file)) {
                std::fs::write(folder.join(file), all)?;
            }
        }
    }
    Ok(())
}

/// Its processes have ended.
pub(crate) fn remove(name: &str) -> anyhow::Result<()> {
    hierarchies().iter().try_for_each(|hierarchy| remove_tree(&hierarchy.join(name)))
}

/// Groups are removed from the leaves up; the files in them are no obstacle and can't be removed.
fn remove_tree(folder: &Path) -> anyhow::Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    for entry in entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&entry.path())?;
    }
    // The last process may be on its way out.
    let removed = (0..100).find_map(|_| match std::fs::remove_dir(folder) {
        Err(error) if error.raw_os_error() == Some(rustix::io::Errno::BUSY.raw_os_error()) => {
            std::thread::sleep(std::time::Duration::from_millis(20));
            None
        }
        other => Some(other),
    });
    removed.unwrap_or_else(|| Err(rustix::io::Errno::BUSY.into())).with_context(|| folder.display().to_string())
}

/// One of version 2, or those of version 1.
fn hierarchies() -> Vec<PathBuf> {
    let root = Path::new(ROOT);
    if root.join("cgroup.controllers").exists() {
        return vec![root.to_owned()];
    }
    let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    folders.map(|entry| entry.path()).filter(|path| path.join("cgroup.procs").exists()).collect()
}
