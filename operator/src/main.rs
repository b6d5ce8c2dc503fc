//! `operator run|crd|simulate|explain`.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    match operator::cli::dispatch(operator::cli::Cli::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("operator: {error:#}");
            std::process::ExitCode::FAILURE
        }
    }
}
