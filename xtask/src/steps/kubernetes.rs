//! Tests on a real Kubernetes.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context as _;
use local_cluster::{Cluster, Mode, NODE_ADDRESS};
use stack::{Options, Stack};

use super::rust::{nextest, passes};
use crate::definitions;
use crate::deploy;
use crate::images::Profile;
use crate::interrupt::Interrupt;
use crate::process::{output, root, run, target};
use crate::programs::programs;

/// Those tests find an API server by `ELASTIC_CHAT_TEST_KUBECONFIG`, with its controllers and without a node, and the programs
/// that they start by `ELASTIC_CHAT_BINARIES`. They run at once, so each uses a namespace of its own.
pub fn api() -> anyhow::Result<String> {
    with_cluster(
        "api-test",
        Mode::ControlPlane,
        || Ok(()),
        |cluster| {
            let programs = programs()?;
            // Routes are made where the Gateway API is there, and are tried against its own definitions.
            let mut define = cluster.kubectl()?;
            define.args(["apply", "--server-side"]);
            for kind in ["gatewayclasses", "gateways", "httproutes"] {
                define.arg("--filename");
                define.arg(definitions::folder()?.join(format!("gateway.networking.k8s.io_{kind}.yaml")));
            }
            output(&mut define)?;
            let mut tests = nextest("binary(api)")?;
            tests.env("ELASTIC_CHAT_TEST_KUBECONFIG", cluster.kubeconfig()).env("ELASTIC_CHAT_BINARIES", programs);
            tests.env("ELASTIC_CHAT_TEST_KUBECTL", cluster.kubectl()?.get_program());
            passes(tests.arg("--no-tests=fail"))
        },
    )
}

/// Those tests find a cluster with the operator by `ELASTIC_CHAT_E2E_CLUSTER`, and run in its network, as do the servers that its
/// pods use.
pub fn node() -> anyhow::Result<String> {
    let missing = local_cluster::missing();
    anyhow::ensure!(
        missing.is_empty(),
        "no node can run here ({}): without --cluster its tests are left out",
        missing.join("; ")
    );
    // In there nothing can be fetched any more.
    stack::fetch(&Options::one_of_each())?;
    run(nextest(E2E)?.arg("--no-run"))?;
    let servers = target().join("cluster-test-servers");
    let wipe = || Stack::open(&servers)?.wipe();
    wipe()?;
    with_cluster("cluster-test", Mode::Full, wipe, |cluster| {
        deploy::install(cluster, Profile::Debug, OPERATORS)?;
        let mut start = cluster.command_inside(std::env::current_exe()?)?;
        start.args(["stack", "up", "--host", &NODE_ADDRESS.to_string(), "--dir"]).arg(&servers);
        output(&mut start)?;
        let mut tests = inside(cluster, &nextest(E2E)?)?;
        tests.env("ELASTIC_CHAT_E2E_CLUSTER", cluster.dir());
        passes(tests.args(["--test-threads=1", "--no-tests=fail", "--no-capture", "--offline"]))
    })
}

/// One to lead, and one to take over.
const OPERATORS: u32 = 2;
const E2E: &str = "binary(e2e)";

/// A command as it is, but in the cluster's network.
fn inside(cluster: &Cluster, command: &Command) -> anyhow::Result<Command> {
    let mut inside = cluster.command_inside(command.get_program())?;
    inside.args(command.get_args()).current_dir(root());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            inside.env(name, value);
        }
    }
    Ok(inside)
}

/// Does it with a cluster, which is then taken down, also after an error or Ctrl-C, and after it what else there is. After a
/// failure its logs stay.
pub fn with_cluster(
    folder: &str,
    mode: Mode,
    also: impl FnOnce() -> anyhow::Result<()>,
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
    also()?;
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
    let pods = cluster.pod_logs();
    if pods.exists() {
        run(Command::new("cp").arg("-a").arg(pods).arg(folder.join("pods")))?;
    }
    Ok(())
}
