//! Tests on a real Kubernetes.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use local_cluster::{Cluster, Mode};

use super::rust::{lean, nextest, passes};
use crate::interrupt::Interrupt;
use crate::process::{output, target};

/// Those tests find an API server by `ELASTIC_CHAT_TEST_KUBECONFIG`, with its controllers and without a node, and the programs
/// that they start by `ELASTIC_CHAT_BINARIES`. They run at once, so each uses a namespace of its own.
pub fn api() -> anyhow::Result<String> {
    with_cluster("api-test", Mode::ControlPlane, |cluster| {
        output(&mut lean(&["build", "--quiet", "--package", "operator", "--locked"]))?;
        let mut tests = nextest("binary(api)")?;
        tests.env("ELASTIC_CHAT_TEST_KUBECONFIG", cluster.kubeconfig()).env("ELASTIC_CHAT_BINARIES", binaries());
        passes(tests.arg("--no-tests=fail"))
    })
}

/// Where cargo leaves the programs.
fn binaries() -> PathBuf {
    target().join("debug")
}

/// Does it with a cluster, which is then taken down, also after an error or Ctrl-C. After a failure its logs stay.
fn with_cluster(
    folder: &str,
    mode: Mode,
    action: impl FnOnce(&Cluster) -> anyhow::Result<String>,
) -> anyhow::Result<String> {
    let folder = target().join(folder);
    // What an earlier run left.
    Cluster::open(&folder)?.down()?;
    let cluster = Arc::new(Cluster::open(&folder)?);
    let interrupt = Interrupt::watch({
        let cluster = cluster.clone();
        move || cluster.interrupt()
    })?;
    let outcome = cluster.up(mode, None, &crate::cluster::forwarder()?).and_then(|()| action(&cluster));
    let logs = folder.with_extension("logs");
    if outcome.is_err() && !interrupt.seen() {
        keep_logs(&cluster, &logs)?;
    }
    cluster.down()?;
    if interrupt.seen() {
        // As the shell says it of a process that Ctrl-C ended.
        std::process::exit(130);
    }
    outcome.with_context(|| format!("the cluster's logs are in {}", logs.display()))
}

fn keep_logs(cluster: &Cluster, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for process in cluster.status()?.processes {
        let _ = std::fs::copy(&process.log, folder.join(format!("{}.log", process.name)));
    }
    Ok(())
}
