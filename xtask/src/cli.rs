use clap::{Parser, Subcommand};

use crate::{bench, generate, run, test};

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
    Run(run::Args),
    /// What `run` leaves behind to say that the node is ready
    #[command(hide = true)]
    Announce(run::AnnounceArgs),
    /// Run every check and test
    Test(test::Args),
    /// Measure what docs/benchmarks.md promises
    Bench(bench::BenchArgs),
    /// Run the load generator, for example `./dev load pairs --help`
    Load(bench::LoadArgs),
    /// Write the generated files anew: OpenAPI and the web client's types
    Generate,
    /// Format everything
    Fmt,
    /// Remove what was built and installed (not the data)
    Clean,
}

/// Does what the command line says.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Announce(args) => run::announce(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Load(args) => bench::load(&args),
        Command::Generate => generate::generate(),
        Command::Fmt => generate::format(),
        Command::Clean => generate::clean(),
    }
}
