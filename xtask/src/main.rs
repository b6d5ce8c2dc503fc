//! What `./dev` runs. `./dev help` lists the commands.

mod actionlint;
mod audit;
mod bench;
mod cli;
mod cluster;
mod definitions;
mod deploy;
mod distributed;
mod files;
mod generate;
mod helm;
mod images;
mod interrupt;
mod monitoring;
mod node;
mod process;
mod release;
mod run;
mod servers;
mod steps;
mod terraform;
mod test;
mod tools;
mod web;

fn main() -> anyhow::Result<()> {
    cli::run()
}
