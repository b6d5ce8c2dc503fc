//! The command line.

mod backup;
mod doctor;
mod import;
mod migrate;
mod serve;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{Config, command_with_file};
use crate::openapi;

/// WebSocket gateway and REST API of Elastic Chat
#[derive(Parser)]
#[command(name = "chat-node", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the node
    Serve(Box<Config>),
    /// Check the configuration, the data folder and the addresses, and say what to do
    Doctor(Box<Config>),
    /// Copy the data folder while the node runs
    Backup(backup::Args),
    /// Bring in conversations from elsewhere
    Import(import::Args),
    /// Make the topics and tables of a cluster, or bring them to this version
    Migrate(Box<migrate::Args>),
    /// Print the OpenAPI description
    Openapi,
}

/// Parses the command line and does as it says.
pub fn run() -> ExitCode {
    let cli = match parse() {
        Ok(cli) => cli,
        Err(error) => return fail(&error),
    };
    let done = match cli.command {
        Command::Serve(config) => serve::run(*config),
        Command::Doctor(config) => doctor::run(&config),
        Command::Backup(args) => backup::run(&args),
        Command::Import(args) => import::run(args),
        Command::Migrate(args) => migrate::run(&args),
        Command::Openapi => {
            print!("{}", openapi::json());
            Ok(())
        }
    };
    done.map_or_else(|error| fail(&error), |()| ExitCode::SUCCESS)
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// The `--config` file's settings become the defaults of a second parse.
fn parse() -> anyhow::Result<Cli> {
    let cli = Cli::parse();
    let (name, path) = match &cli.command {
        Command::Serve(config) => ("serve", config.config.clone()),
        Command::Doctor(config) => ("doctor", config.config.clone()),
        _ => return Ok(cli),
    };
    let Some(path) = path else { return Ok(cli) };
    let matches = command_with_file(Cli::command(), name, &path)?.get_matches();
    Ok(Cli::from_arg_matches(&matches)?)
}
