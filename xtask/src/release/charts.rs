//! The charts as packages, and on their way into a registry.

use anyhow::ensure;

use super::VERSION;
use crate::helm::{Chart, helm};
use crate::process::{output, run, target};

#[derive(clap::Args)]
pub struct Args {
    /// Also push them, for example to oci://ghcr.io/elastic-chat/charts. `helm registry login` comes before
    #[arg(long, value_name = "REGISTRY")]
    push: Option<String>,
}

/// # Errors
/// helm refuses one, or the registry does.
pub fn package(args: &Args) -> anyhow::Result<()> {
    if let Some(registry) = &args.push {
        ensure!(registry.starts_with("oci://"), "{registry}: charts are pushed to oci://…");
    }
    let folder = target().join("charts");
    std::fs::create_dir_all(&folder)?;
    for chart in Chart::ALL {
        let mut package = helm(&["package", "--destination"])?;
        output(package.arg(&folder).arg(chart.folder()))?;
        let archive = folder.join(format!("{}-{VERSION}.tgz", chart.name()));
        ensure!(archive.exists(), "helm left no {}", archive.display());
        println!("{}", archive.display());
        if let Some(registry) = &args.push {
            run(helm(&["push"])?.arg(&archive).arg(registry))?;
        }
    }
    Ok(())
}
