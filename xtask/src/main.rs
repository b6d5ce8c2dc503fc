//! What `./dev` runs. `./dev help` lists the commands.

mod bench;
mod checks;
mod files;
mod node;
mod process;
mod run;
mod test;
mod tools;
mod web;

use clap::{Parser, Subcommand};

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
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Run(args) => run::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Bench(args) => bench::bench(&args),
        Command::Load(args) => bench::load(&args),
        Command::Generate => checks::generate(),
        Command::Fmt => checks::format(),
    }
}
