//! buildah with a store of its own in the cache, which works without a daemon, a registry, systemd or cgroups.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use anyhow::ensure;

use crate::process::{command, output};

fn folder() -> PathBuf {
    stack::cache::root().join("images")
}

/// As long as the file lives, no other checkout uses the store: what a build leaves behind can be swept out.
///
/// # Errors
/// The cache can't be written.
pub fn exclusive() -> anyhow::Result<File> {
    std::fs::create_dir_all(folder())?;
    let lock = File::options().create(true).truncate(false).write(true).open(folder().join("lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// Removes what a build leaves of its stages: containers, and images without a name.
pub fn sweep() {
    let _ = output(buildah("rm").arg("--all"));
    let _ = output(buildah("rmi").arg("--prune"));
}

/// A command of buildah.
pub fn buildah(subcommand: &str) -> Command {
    let folder = folder();
    let mut buildah = command("buildah", &["--storage-driver", "vfs", "--root"]);
    buildah.arg(folder.join("store")).arg("--runroot").arg(folder.join("run"));
    // Not the machine's registries: nothing is ever pulled.
    buildah.arg(subcommand).env("BUILDAH_ISOLATION", "chroot");
    buildah
}

/// Whether it can work here.
///
/// # Errors
/// Says what to do.
pub fn ready() -> anyhow::Result<()> {
    let uid = output(Command::new("id").arg("-u"))?;
    ensure!(uid.trim() == "0", "images without Docker take root: run it by sudo, or with --docker where Docker is");
    for (tool, package) in [("buildah", "buildah"), ("mmdebstrap", "mmdebstrap")] {
        let there = Command::new(tool).arg("--version").output().is_ok();
        ensure!(there, "{tool} is missing: install it (`./dev images` does it on Debian and Ubuntu: {package})");
    }
    Ok(())
}

/// Whether an image is in the store.
pub fn has(name: &str) -> bool {
    output(buildah("inspect").args(["--type", "image", name])).is_ok()
}

/// A working container of an image or of nothing, with its file system mounted; both are gone when this is dropped.
pub struct Working {
    pub name: String,
}

impl Working {
    /// # Errors
    /// There is no such image.
    pub fn from(image: &str) -> anyhow::Result<Self> {
        let made = output(buildah("from").args(["--quiet", "--pull-never", image]))?;
        Ok(Self { name: made.trim().to_owned() })
    }

    /// Where its root is.
    pub fn mount(&self) -> anyhow::Result<std::path::PathBuf> {
        Ok(output(buildah("mount").arg(&self.name))?.trim().into())
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let _ = output(buildah("rm").arg(&self.name));
    }
}
