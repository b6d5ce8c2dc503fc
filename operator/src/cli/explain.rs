//! `operator explain NAME`: the last decisions of a cluster, with the numbers behind them.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Context as _;
use kube::api::Api;
use kube::{Client, ResourceExt as _};

use crate::api::{ChatCluster, ScalingStatus};
use crate::cli::run::ApiArgs;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the ChatCluster.
    name: String,
    /// Its namespace. Without it: the kubeconfig's.
    #[arg(long, short)]
    namespace: Option<String>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    api: ApiArgs,
}

/// # Errors
/// The cluster can't be read.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let text = runtime.block_on(async {
        let client = args.api.client().await?;
        explain(client, args).await
    })?;
    std::io::stdout().write_all(text.as_bytes()).context("cannot print")
}

async fn explain(client: Client, args: &Args) -> anyhow::Result<String> {
    let namespace = args.namespace.clone().unwrap_or_else(|| client.default_namespace().to_owned());
    let api: Api<ChatCluster> = Api::namespaced(client, &namespace);
    let cluster = api.get(&args.name).await.with_context(|| format!("ChatCluster {namespace}/{}", args.name))?;
    if args.json {
        let status = cluster.status.clone().unwrap_or_default();
        let parts = serde_json::json!({"gateways": status.gateways, "writers": status.writers});
        return Ok(serde_json::to_string_pretty(&parts)? + "\n");
    }
    text(&cluster)
}

/// For people. Pure, so that it can be tested.
///
/// # Errors
/// Never in practice: writing to text.
pub fn text(cluster: &ChatCluster) -> anyhow::Result<String> {
    let mut out = String::new();
    let namespace = cluster.namespace().unwrap_or_default();
    writeln!(out, "ChatCluster {namespace}/{}", cluster.name_any())?;
    let Some(status) = &cluster.status else {
        writeln!(out, "  no operator has looked at it yet")?;
        return Ok(out);
    };
    if status.observed_generation != cluster.metadata.generation {
        writeln!(out, "  the newest change of the spec has not been looked at yet")?;
    }
    for condition in &status.conditions {
        writeln!(out, "  {} {}: {} ({})", condition.type_, condition.status, condition.message, condition.reason)?;
    }
    if let Some(gateways) = &status.gateways {
        let age = gateways.scaling.metrics_age_seconds.map_or("unknown".to_owned(), |age| format!("{age:.1} s"));
        writeln!(
            out,
            "\nGateways: {} wanted, {} ready, {} draining",
            gateways.desired, gateways.ready, gateways.draining
        )?;
        writeln!(out, "  {} connections; the oldest reading that counts: {age}", gateways.connections)?;
        decisions(&mut out, &gateways.scaling)?;
    }
    if let Some(writers) = &status.writers {
        writeln!(out, "\nWriters: {} wanted, {} ready", writers.desired, writers.ready)?;
        if let (Some(records), Some(seconds)) = (writers.lag_records, writers.lag_seconds) {
            writeln!(out, "  {records} records behind the log, {seconds:.1} s")?;
        }
        decisions(&mut out, &writers.scaling)?;
    }
    Ok(out)
}

fn decisions(out: &mut String, scaling: &ScalingStatus) -> std::fmt::Result {
    if scaling.decision.is_none() {
        return writeln!(out, "  their number was never changed");
    }
    for decision in scaling.decision.iter().chain(&scaling.history) {
        writeln!(out, "  {}  {} → {}  {}", decision.at.0, decision.from, decision.to, decision.reason)?;
        if let Some(bound) = &decision.bound {
            writeln!(out, "    held by {bound}")?;
        }
        let inputs: Vec<String> = decision.inputs.iter().map(|(name, value)| format!("{name} {value}")).collect();
        if !inputs.is_empty() {
            writeln!(out, "    {}", inputs.join(", "))?;
        }
    }
    Ok(())
}
