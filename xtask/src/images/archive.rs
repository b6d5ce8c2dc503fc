//! From a context to an archive.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;

use super::buildah::{buildah, exclusive, sweep};
use super::{Built, Format, Image, Profile, base, context, folder};
use crate::files::newest;
use crate::process::{command, output, root};

/// Builds the image's archive, unless it is made of the very files that are there now.
///
/// # Errors
/// With what buildah said.
pub fn make(image: Image, profile: Profile, format: Format) -> anyhow::Result<Built> {
    std::fs::create_dir_all(folder())?;
    let _store = exclusive()?;
    let base = base::of(image)?;
    let sources = context::sources(image, profile);
    let (archive, stamp) = (image.archive(), image.archive().with_extension("stamp"));
    let made_from = description(&base, &sources, format)?;
    let kept = archive.exists() && std::fs::read_to_string(&stamp).is_ok_and(|earlier| earlier == made_from);
    if !kept {
        let _ = std::fs::remove_file(&stamp);
        build(image, profile, format, &base, &sources)?;
        std::fs::write(stamp, made_from)?;
    }
    Ok(Built { image, bytes: archive.metadata()?.len(), kept })
}

fn build(image: Image, profile: Profile, format: Format, base: &str, sources: &[PathBuf]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let context = folder.path().join("context");
    std::fs::create_dir(&context)?;
    context::fill(image, profile, &context)?;
    let id = folder.path().join("id");
    let mut build = buildah("build");
    // A base that is not in the store is an error at once, not a wait for a registry.
    build.args(["--quiet", "--pull-never", "--format", if format == Format::Docker { "docker" } else { "oci" }]);
    build.args(["--build-arg", &format!("BASE={base}"), "--build-arg", "FROM_STAGE=prebuilt"]);
    build.args(["--build-arg", &format!("VERSION={}", env!("CARGO_PKG_VERSION"))]);
    build.args(["--build-arg", &format!("REVISION={}", revision())]);
    // The same files give the same image.
    build.args(["--timestamp", &seconds(newest_of(sources)).to_string()]);
    build.arg("--iidfile").arg(&id).arg("--file").arg(root().join(image.dockerfile()));
    output(build.arg(&context)).with_context(|| format!("the image of {}", image.name()))?;
    let id = std::fs::read_to_string(id)?;
    let pushed = push(image, format, id.trim());
    // The store keeps the bases only.
    output(buildah("rmi").args(["--force", id.trim()]))?;
    sweep();
    pushed
}

fn push(image: Image, format: Format, id: &str) -> anyhow::Result<()> {
    let archive = image.archive();
    let making = archive.with_extension(format!("making-{}", std::process::id()));
    let _ = std::fs::remove_file(&making);
    let kind = if format == Format::Docker { "docker-archive" } else { "oci-archive" };
    let to = format!("{kind}:{}:{}", making.display(), image.reference());
    output(buildah("push").args(["--quiet", id, &to]))?;
    Ok(std::fs::rename(making, archive)?)
}

/// What an archive is made from, in a text to compare.
fn description(base: &str, sources: &[PathBuf], format: Format) -> anyhow::Result<String> {
    let mut text = format!("{base} {format:?} {}\n", revision());
    for source in sources {
        let time = newest(source).with_context(|| format!("{} is not there", source.display()))?;
        let time = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        writeln!(text, "{} {} {time}", source.display(), source.metadata()?.len())?;
    }
    Ok(text)
}

fn newest_of(sources: &[PathBuf]) -> SystemTime {
    sources.iter().filter_map(|source| newest(source)).max().unwrap_or(UNIX_EPOCH)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The commit, or a word where there is no git.
pub fn revision() -> String {
    output(&mut command("git", &["rev-parse", "HEAD"])).map_or_else(|_| "unknown".to_owned(), |id| id.trim().to_owned())
}
