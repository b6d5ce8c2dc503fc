//! The same Dockerfiles with Docker: public bases, and everything compiled in containers.

use anyhow::Context as _;

use super::archive::revision;
use super::{Image, folder};
use crate::process::{command, output, run};

/// Builds the image and saves its archive.
///
/// # Errors
/// There is no Docker, or the build failed.
pub fn build(image: Image) -> anyhow::Result<()> {
    output(&mut command("docker", &["version"])).context("Docker does not answer")?;
    std::fs::create_dir_all(folder())?;
    let mut build = command("docker", &["build", "--tag", &image.reference(), "--file"]);
    build.arg(image.dockerfile());
    build.args(["--build-arg", &format!("VERSION={}", env!("CARGO_PKG_VERSION"))]);
    build.args(["--build-arg", &format!("REVISION={}", revision()), "."]);
    // The cache mounts are BuildKit's; an engine before 23 asks for it by name.
    run(build.env("DOCKER_BUILDKIT", "1"))?;
    let archive = image.archive();
    // What `--check` and the next build without Docker would take for theirs.
    let _ = std::fs::remove_file(archive.with_extension("stamp"));
    run(command("docker", &["save", "--output"]).arg(&archive).arg(image.reference()))?;
    println!("{} is in {}", image.reference(), archive.display());
    Ok(())
}
