//! `./dev images`: the four images, as archives that containerd imports.
//!
//! With buildah and bases made of Debian packages it takes neither Docker nor a registry, and nothing is compiled twice: the
//! binaries are cargo's. With `--docker` the same Dockerfiles build from public bases.

mod archive;
mod base;
mod buildah;
mod check;
mod context;
mod docker;

use std::path::PathBuf;

use crate::process::target;

/// What the archives' images are called, but for their name and tag.
const REPOSITORY: &str = "localhost/elastic-chat";
const TAG: &str = "dev";

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Image {
    ChatNode,
    Writer,
    Operator,
    Web,
}

impl Image {
    pub const ALL: [Self; 4] = [Self::ChatNode, Self::Writer, Self::Operator, Self::Web];

    /// Also the name of its folder in the checkout, and of its binary.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChatNode => "chat-node",
            Self::Writer => "writer",
            Self::Operator => "operator",
            Self::Web => "web",
        }
    }

    /// `localhost/elastic-chat/NAME:dev`
    pub fn reference(self) -> String {
        format!("{REPOSITORY}/{}:{TAG}", self.name())
    }

    /// Where its archive is.
    pub fn archive(self) -> PathBuf {
        folder().join(format!("{}.tar", self.name()))
    }

    fn dockerfile(self) -> PathBuf {
        PathBuf::from(self.name()).join("Dockerfile")
    }
}

/// Which of cargo's profiles the binaries are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Profile {
    /// As in the tests: built already where those ran
    Debug,
    /// As in `./dev run`
    Fast,
    Release,
}

impl Profile {
    /// For `--profile`, where debug is called dev.
    const fn cargo(self) -> &'static str {
        match self {
            Self::Debug => "dev",
            Self::Fast => "fast",
            Self::Release => "release",
        }
    }

    const fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Fast => "fast",
            Self::Release => "release",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For containerd (`ctr -n k8s.io images import`), podman, and Docker from 25 on
    Oci,
    /// For `docker load` of older engines; containerd reads it too
    Docker,
}

#[derive(clap::Args)]
pub struct Args {
    /// Only these; all when none is named
    #[arg(value_enum)]
    images: Vec<Image>,
    #[arg(long, value_enum, default_value = "fast")]
    profile: Profile,
    #[arg(long, value_enum, default_value = "oci")]
    format: Format,
    /// Make the bases anew, with today's versions of their packages
    #[arg(long)]
    fresh_bases: bool,
    /// Take the binaries and the web client as they are, instead of bringing them up to date first
    #[arg(long)]
    no_build: bool,
    /// Build with Docker and public bases instead, compiling in a container
    #[arg(long, conflicts_with_all = ["profile", "format", "fresh_bases", "no_build", "check"])]
    docker: bool,
    /// Then run each one as Kubernetes would, with a root that can't be written, and look whether it works
    #[arg(long)]
    check: bool,
}

/// Does what the command line says.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let images = if args.images.is_empty() { Image::ALL.to_vec() } else { args.images.clone() };
    if args.docker {
        return images.into_iter().try_for_each(docker::build);
    }
    if args.fresh_bases {
        base::forget()?;
    }
    if !args.no_build {
        context::build_sources(&images, args.profile)?;
    }
    for image in archives(&images, args.profile, args.format)? {
        println!("{image}");
    }
    if args.check {
        for image in images {
            println!("{}: {}", image.name(), check::check(image)?);
        }
    }
    Ok(())
}

/// What was built.
pub struct Built {
    pub image: Image,
    /// Of the archive.
    pub bytes: u64,
    /// It was there already.
    pub kept: bool,
}

impl std::fmt::Display for Built {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = if self.kept { "as it was" } else { "built" };
        let megabytes = (self.bytes + 500_000) / 1_000_000;
        write!(out, "{:<38} {megabytes:>4} MB  {state}", self.image.reference())
    }
}

/// Brings the binaries and the web client up to date, and then the archives, without Docker: for who starts a cluster.
///
/// # Errors
/// Not root, a tool is missing, or a build failed.
pub fn build(images: &[Image], profile: Profile) -> anyhow::Result<Vec<Built>> {
    buildah::ready()?;
    context::build_sources(images, profile)?;
    archives(images, profile, Format::Oci)
}

fn archives(images: &[Image], profile: Profile, format: Format) -> anyhow::Result<Vec<Built>> {
    buildah::ready()?;
    images.iter().map(|image| archive::make(*image, profile, format)).collect()
}

/// As [`build`] makes them for tests, each one run with a root that can't be written: what `./dev test` does.
///
/// # Errors
/// One could not be built, or does not work.
pub fn build_and_check() -> anyhow::Result<String> {
    let built = build(&Image::ALL, Profile::Debug)?;
    for image in &built {
        println!("   {image}");
        println!("   {}", check::check(image.image)?);
    }
    Ok(String::new())
}

fn folder() -> PathBuf {
    target().join("images")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::read;

    #[test]
    fn every_image_has_a_dockerfile_that_takes_what_is_given() {
        for image in Image::ALL {
            let text = read(&image.dockerfile().display().to_string()).expect("a Dockerfile");
            for line in ["ARG BASE=", "ARG FROM_STAGE=build", "FROM scratch AS prebuilt", "ARG VERSION", "ARG REVISION"]
            {
                assert!(text.lines().any(|own| own.starts_with(line)), "{} lacks {line}", image.name());
            }
            assert!(text.contains("\nUSER 65532:65532\n"), "{} runs as somebody else", image.name());
        }
    }

    #[test]
    fn names_are_those_that_manifests_use() {
        assert_eq!(Image::ChatNode.reference(), "localhost/elastic-chat/chat-node:dev");
    }
}
