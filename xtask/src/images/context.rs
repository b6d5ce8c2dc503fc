//! What goes into an image: binaries without their symbols, the web client, nginx's configuration.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::{Image, Profile};
use crate::process::{cargo, output, root, run, target};
use crate::programs::programs;
use crate::web;

/// Builds what the images are made of.
///
/// # Errors
/// As the builds.
pub fn build_sources(images: &[Image], profile: Profile) -> anyhow::Result<()> {
    // The gateway has the client within itself, too.
    if images.iter().any(|image| matches!(image, Image::Web | Image::ChatNode)) {
        web::build().context("the web client could not be built")?;
    }
    if images.iter().any(|image| *image != Image::Web) {
        build(profile)?;
    }
    Ok(())
}

/// All three at once, whichever are wanted: another set would have other features of what they share, and compile it anew.
fn build(profile: Profile) -> anyhow::Result<()> {
    if profile == Profile::Debug {
        // The very files that the tests use.
        return programs().map(drop);
    }
    let packages = ["--package", "chat-node", "--package", "writer", "--package", "operator"];
    let mut build = cargo(&["build", "--quiet", "--locked", "--profile", profile.cargo()]);
    run(build.args(packages))
}

/// The files that an image is made of, besides its base.
pub fn sources(image: Image, profile: Profile) -> Vec<PathBuf> {
    let mut sources = vec![root().join(image.dockerfile())];
    if image == Image::Web {
        sources.extend([root().join("web/dist"), root().join("deploy/nginx")]);
    } else {
        sources.push(target().join(profile.folder()).join(image.name()));
    }
    sources
}

/// Fills a folder as the Dockerfile's stage `prebuilt` wants it.
///
/// # Errors
/// A file can't be copied or stripped.
pub fn fill(image: Image, profile: Profile, folder: &Path) -> anyhow::Result<()> {
    if image == Image::Web {
        copy(&root().join("web/dist"), &folder.join("dist"))?;
        return copy(&root().join("deploy/nginx"), &folder.join("nginx"));
    }
    let binary = target().join(profile.folder()).join(image.name());
    let mut strip = Command::new("strip");
    output(strip.arg("-o").arg(folder.join(image.name())).arg(binary))?;
    if image == Image::ChatNode {
        std::fs::create_dir(folder.join("data"))?;
    }
    Ok(())
}

/// A folder with all that is in it; times stay, since nginx makes its ETags of them.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    output(Command::new("cp").arg("-a").arg(from).arg(to)).map(drop)
}
