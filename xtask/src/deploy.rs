//! Our images, definitions and operator on a cluster.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use local_cluster::{Cluster, Mode};
use serde_json::{Value, json};

use crate::cluster::forwarder;
use crate::helm::{Chart, NAMESPACE, helm};
use crate::images::{self, Image, Profile};
use crate::node::serves;
use crate::process::{output, root};

/// What a resource that names no image takes, as the operator's own version says it.
const DEFAULT_REPOSITORY: &str = "ghcr.io/elastic-chat";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Of the operator, for a look at it: nobody waits for a second one to take over.
const REPLICAS: u32 = 1;

const NAME: &str = "demo";
const FOLDER: &str = ".cluster";
const API_PORT: u16 = 6443;
const PATIENCE: Duration = Duration::from_secs(30);

/// A cluster with the operator and a chat, which stays when we end. Says where it is.
///
/// # Errors
/// A part could not be built or started.
pub fn serve(listen: SocketAddr) -> anyhow::Result<()> {
    let cluster = Cluster::open(root().join(FOLDER))?;
    println!("Starting a Kubernetes (ten minutes the first time, seconds afterwards)");
    cluster.up(Mode::Full, Some(API_PORT), &forwarder()?)?;
    println!("Building the images and installing the operator");
    install(&cluster, Profile::Fast, REPLICAS)?;
    let manifest = root().join(FOLDER).join("files/demo.json");
    let chat = json!({
        "apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster",
        "metadata": {"name": NAME}, "spec": {"profile": "embedded"},
    });
    std::fs::write(&manifest, chat.to_string())?;
    kubectl(&cluster, &["apply", "-f", &manifest.display().to_string()])?;
    kubectl(&cluster, &["wait", "--for=condition=Ready", &format!("chatcluster/{NAME}"), "--timeout=180s"])?;
    cluster.forward("chat", &forwarder()?, listen, address_of_service(&cluster)?)?;
    let begin = Instant::now();
    // The Service's rules may come some seconds after the pod is ready.
    while !serves(listen, "/") {
        anyhow::ensure!(begin.elapsed() < PATIENCE, "the chat is ready, but does not answer at {listen}");
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("\n  Elastic Chat runs at  http://{listen}\n");
    println!("  `./dev cluster kubectl get chatcluster -o wide` and `… describe chatcluster {NAME}` tell how it is,");
    println!("  `./dev cluster down` ends it and removes all of it.\n");
    Ok(())
}

fn address_of_service(cluster: &Cluster) -> anyhow::Result<SocketAddr> {
    let service: Value = serde_json::from_str(&kubectl(cluster, &["get", "service", NAME, "-o", "json"])?)?;
    let address: Ipv4Addr = service["spec"]["clusterIP"].as_str().context("a Service without an address")?.parse()?;
    let port = service["spec"]["ports"][0]["port"].as_u64().context("a Service without a port")?;
    Ok(SocketAddr::from((address, u16::try_from(port)?)))
}

fn kubectl(cluster: &Cluster, args: &[&str]) -> anyhow::Result<String> {
    let mut command: Command = cluster.kubectl()?;
    output(command.args(args))
}

/// Builds the images, gives them to the node, and installs the charts, with so many operators. Everything that is there is brought
/// up to date.
///
/// # Errors
/// Something can't be built, or does not become ready.
pub fn install(cluster: &Cluster, profile: Profile, operators: u32) -> anyhow::Result<()> {
    images::build(&Image::ALL, profile)?;
    let archives: Vec<PathBuf> = Image::ALL.into_iter().map(Image::archive).collect();
    cluster.load_images(&archives)?;
    for image in Image::ALL {
        // So that a resource of five lines means what it means elsewhere.
        cluster.name_image(&image.reference(), &format!("{DEFAULT_REPOSITORY}/{}:{VERSION}", image.name()))?;
    }
    charts(&cluster.kubeconfig(), operators)
}

fn charts(kubeconfig: &std::path::Path, operators: u32) -> anyhow::Result<()> {
    for chart in [Chart::Crds, Chart::Operator] {
        let mut install = helm(&["upgrade", "--install", chart.name()])?;
        install.arg(chart.folder()).args(["--namespace", NAMESPACE, "--create-namespace", "--wait", "--timeout", "2m"]);
        if chart == Chart::Operator {
            install.args(["--set", &format!("replicas={operators}")]);
        }
        output(install.arg("--kubeconfig").arg(kubeconfig))?;
    }
    Ok(())
}
