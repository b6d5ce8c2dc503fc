//! `./dev bench --distributed`: three nodes and two writers on one of each server, all of it and the generator on one
//! machine. Nothing is pinned to a core: the parts share what there is, and where the time went is part of the result.

mod args;
mod ingest;
mod producer;
mod reader;
mod results;
mod rig;
mod talk;
mod usage;

use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use results::Results;
use rig::Rig;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(&args))) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// True when no run broke a promise of the history. The stack goes with the rig, also after Ctrl-C.
async fn run(args: &Args) -> anyhow::Result<bool> {
    let rig = Rig::start(args)?;
    let mut results = Results::new(args);
    tokio::select! {
        measured = measure(args, &rig, &mut results) => measured?,
        signal = tokio::signal::ctrl_c() => signal?,
    }
    results.publish(args.bench_json.as_deref())
}

async fn measure(args: &Args, rig: &Rig, results: &mut Results) -> anyhow::Result<()> {
    rig.memory(results)?;
    if args.wants("sends") {
        talk::sends(args, rig, results).await?;
    }
    if args.wants("nodes") {
        talk::nodes(args, rig, results).await?;
    }
    if args.wants("ingest") {
        ingest::sustained(args, rig, results, &ingest::USUAL).await?;
    }
    if args.wants("worst") {
        ingest::sustained(args, rig, results, &ingest::WORST).await?;
    }
    if args.wants("drain") {
        ingest::drain(args, rig, results).await?;
    }
    Ok(())
}
