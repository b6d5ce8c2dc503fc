//! Images of one static binary each, and how the node gets any image.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use serde_json::json;
use stack::cache::{self, run};
use stack::golang::Program;

use crate::machine;
use crate::node::ctr;
use crate::programs;

pub(crate) const PAUSE: &str = "localhost/pause:1";
pub(crate) const COREDNS: &str = "localhost/coredns:1";

/// Those without which no pod starts and no name is found.
pub(crate) fn own() -> anyhow::Result<Vec<PathBuf>> {
    Ok(vec![archive(&programs::PAUSE, PAUSE)?, archive(&programs::COREDNS, COREDNS)?])
}

/// As `docker save` writes it: a layer with the binary, what is to be run, and what it is called.
fn archive(program: &Program, name: &str) -> anyhow::Result<PathBuf> {
    let binary = program.path()?;
    let folder = cache::folder(&format!("image-{}", program.name), &[&cache::sha256(&binary)?, name], |folder| {
        let bin = folder.join("bin");
        std::fs::create_dir(&bin)?;
        std::fs::copy(&binary, bin.join(program.name))?;
        tar(folder, "layer.tar", &["bin"])?;
        let layer = cache::sha256(&folder.join("layer.tar"))?;
        let config = json!({
            "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
            "os": "linux",
            // A number: that it is not root can be told without a list of users.
            "config": {"User": "65532:65532", "Entrypoint": [format!("/bin/{}", program.name)]},
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{layer}")]},
        });
        std::fs::write(folder.join("config.json"), config.to_string())?;
        let manifest = json!([{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]);
        std::fs::write(folder.join("manifest.json"), manifest.to_string())?;
        tar(folder, "image.tar", &["manifest.json", "config.json", "layer.tar"])?;
        std::fs::remove_file(folder.join("layer.tar"))?;
        Ok(std::fs::remove_dir_all(bin)?)
    })?;
    Ok(folder.join("image.tar"))
}

fn tar(folder: &Path, archive: &str, files: &[&str]) -> anyhow::Result<()> {
    let mut tar = Command::new("tar");
    tar.current_dir(folder).args(["--format=ustar", "--owner=0", "--group=0", "--numeric-owner", "--mode=go=rX,u=rwX"]);
    run(tar.args(["-cf", archive]).args(files)).map(drop)
}

/// Puts archives into the node's store.
pub(crate) fn import(machine: u32, archives: &[PathBuf]) -> anyhow::Result<()> {
    for archive in archives {
        let archive = archive.canonicalize().with_context(|| archive.display().to_string())?;
        let enter = machine::enter(machine, Path::new("/"));
        let import = ctr(&["images", "import"]);
        run(Command::new(&enter[0]).args(&enter[1..]).args(import).arg(&archive))
            .with_context(|| format!("{} could not be imported", archive.display()))?;
    }
    Ok(())
}

/// Gives an image in the node's store another name.
pub(crate) fn name(machine: u32, image: &str, name: &str) -> anyhow::Result<()> {
    let enter = machine::enter(machine, Path::new("/"));
    run(Command::new(&enter[0]).args(&enter[1..]).args(ctr(&["images", "tag", "--force", image, name]))).map(drop)
}
