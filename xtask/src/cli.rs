use clap::{Parser, Subcommand};

use crate::{audit, bench, cluster, generate, images, release, run, servers, test};

/// Everything a contributor runs
#[derive(Parser)]
#[command(name = "dev", bin_name = "./dev")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the web client and the node, and run them on http://127.0.0.1:8080
    Run(Box<run::Args>),
    /// What `run` leaves behind to say that the node is ready
    #[command(hide = true)]
    Announce(run::AnnounceArgs),
    /// Real Redis, Kafka, Cassandra, S3 and nginx as local processes
    Stack(servers::Args),
    /// A real Kubernetes: one that is there, kind's, or local processes
    Cluster(cluster::Args),
    /// Leads ports into the cluster's network
    #[command(hide = true, name = cluster::FORWARD)]
    ClusterForward(cluster::ForwardArgs),
    /// Build the container images, without Docker, into target/images
    Images(images::Args),
    /// Versions, notes and charts of a release, and which images an environment runs
    Release(release::Args),
    /// Run every check and test
    Test(test::Args),
    /// Measure what docs/benchmarks.md promises
    Bench(bench::BenchArgs),
    /// Run the load generator, for example `./dev load pairs --help`
    Load(bench::LoadArgs),
    /// Ask the databases of advisories about all that we depend on; takes the network
    Audit,
    /// Write the generated files anew: OpenAPI, the web client's types, definitions, rules and dashboards
    Generate {
        /// Only rules, dashboards and the page of settings
        #[arg(long)]
        fast: bool,
    },
    /// Format everything
    Fmt,
    /// Remove what was built and installed (not the data)
    Clean,
}

/// Does what the command line says.
pub fn run() -> anyhow::Result<()> {
    let mut args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|command| command == "run") {
        args = run::with_limits_last(args);
    }
    match Cli::parse_from(args).command {
        Command::Run(args) => run::run(&args),
        Command::Announce(args) => run::announce(&args),
        Command::Stack(args) => servers::run(&args),
        Command::Images(args) => images::run(&args),
        Command::Cluster(args) => cluster::run(&args),
        Command::ClusterForward(args) => cluster::forward(&args),
        Command::Release(args) => release::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Load(args) => bench::load(&args),
        Command::Audit => audit::audit(),
        Command::Generate { fast } => generate::generate(fast),
        Command::Fmt => generate::format(),
        Command::Clean => generate::clean(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
