//! What `./dev` runs. `./dev help` lists the commands.

mod bench;
mod cli;
mod files;
mod generate;
mod node;
mod process;
mod run;
mod steps;
mod test;
mod tools;
mod web;

fn main() -> anyhow::Result<()> {
    cli::run()
}
