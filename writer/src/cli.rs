//! The command line.

mod letters;
mod run;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Config;

/// Persistence worker of Elastic Chat: log to store
#[derive(Parser)]
#[command(name = "writer", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Read the log and bring it into the store
    Run(Box<Config>),
    /// Look at records that could not be projected, and project them again
    #[command(subcommand)]
    DeadLetter(letters::Command),
}

/// Parses the command line and does as it says.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Run(config) => run::run(&config),
        Command::DeadLetter(command) => letters::run(command),
    };
    done.map_or_else(
        |error| {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        },
        |()| ExitCode::SUCCESS,
    )
}
