//! The command line.

use clap::{Parser, Subcommand};

pub mod crd;
pub mod explain;
pub mod probe;
pub mod run;
pub mod simulate;

#[derive(Debug, Parser)]
#[command(name = "operator", version = service_kit::build::version(), about = "The operator of Elastic Chat")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Looks after ChatClusters until it is told to end.
    Run(Box<run::Args>),
    /// Tells why a cluster has as many gateways and writers as it has.
    Explain(explain::Args),
    /// Prints the definition of ChatCluster.
    Crd,
    /// Replays the traffic of a trace through the decisions on gateways, and through those of other autoscalers.
    Simulate(simulate::Args),
    /// Waits until a URL answers with success: for `helm test`, since the image has no curl.
    Probe(probe::Args),
}

/// # Errors
/// The sentence for the person who called.
pub fn dispatch(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Run(args) => run::run(*args),
        Command::Explain(args) => explain::run(&args),
        Command::Crd => crd::run(),
        Command::Simulate(args) => simulate::run(&args),
        Command::Probe(args) => probe::run(&args),
    }
}
