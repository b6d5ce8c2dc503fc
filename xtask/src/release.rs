//! `./dev release`: what a release and a deployment are made of. The workflows in `.github` call the same commands.

mod bump;
mod changelog;
mod charts;

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use crate::files::read;
use crate::helm::Chart;

/// What this checkout is.
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Whether the crates, the charts and the changelog speak of the same version
    Check {
        /// The tag that is released, such as v0.1.0: then the changelog must have its section
        tag: Option<String>,
    },
    /// What the changelog says of a version
    Notes { version: String },
    /// Package the charts into target/charts
    Charts(charts::Args),
    /// Say which images an environment runs, in deploy/gitops
    Bump(bump::Args),
}

/// Does what the command line says.
///
/// # Errors
/// With what has to be changed.
pub fn run(args: &Args) -> anyhow::Result<()> {
    match &args.command {
        Action::Check { tag } => {
            println!("{}", agree()?);
            tag.as_deref().map_or(Ok(()), releasable)
        }
        Action::Notes { version } => {
            println!("{}", changelog::section(&read(changelog::FILE)?, version.trim_start_matches('v'))?);
            Ok(())
        }
        Action::Charts(args) => charts::package(args),
        Action::Bump(args) => bump::bump(args),
    }
}

fn releasable(tag: &str) -> anyhow::Result<()> {
    let version = tag.strip_prefix('v').context("a release's tag is v and its version")?;
    ensure!(version == VERSION, "the tag says {version}, Cargo.toml {VERSION}");
    changelog::section(&read(changelog::FILE)?, version).map(drop)
}

/// Charts and crates have one version, and so have the images that charts name by default.
///
/// # Errors
/// Where they differ.
pub fn agree() -> anyhow::Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ChartFile {
        version: String,
        app_version: String,
    }
    for chart in Chart::ALL {
        let file = format!("charts/{}/Chart.yaml", chart.name());
        let ChartFile { version, app_version } = serde_yaml_ng::from_str(&read(&file)?)?;
        ensure!(version == VERSION, "{file} has version {version}, Cargo.toml {VERSION}");
        ensure!(app_version == VERSION, "{file} has appVersion {app_version}, Cargo.toml {VERSION}");
    }
    changelog::check(&read(changelog::FILE)?)?;
    Ok(format!("version {VERSION}"))
}
