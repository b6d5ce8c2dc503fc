use std::path::PathBuf;

use crate::process::{cargo, command, run, target};

#[derive(clap::Args)]
pub struct BenchArgs {
    /// Three nodes and two writers on real servers, instead of the embedded node
    #[arg(long)]
    distributed: bool,
    /// Arguments of `elastic-chat-load bench`, or with --distributed of `cluster-bench`; for example `--only idle --runs 1`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

#[derive(clap::Args)]
pub struct LoadArgs {
    /// Arguments of `elastic-chat-load`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    args: Vec<String>,
}

fn build(packages: &[&str]) -> anyhow::Result<PathBuf> {
    let mut args = vec!["build", "--quiet", "--profile", "fast"];
    for package in packages {
        args.extend(["--package", package]);
    }
    run(&mut cargo(&args))?;
    Ok(target().join("fast"))
}

pub fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    if args.distributed {
        let binaries = build(&["chat-node", "writer", "cluster-bench"])?;
        let mut bench = command(binaries.join("cluster-bench"), &["--binaries"]);
        return run(bench.arg(&binaries).args(&args.args));
    }
    let binaries = build(&["chat-node", "elastic-chat-load"])?;
    let node = binaries.join("chat-node");
    let mut bench = command(binaries.join("elastic-chat-load"), &["bench", "--node-binary"]);
    run(bench.arg(node).args(&args.args))
}

pub fn load(args: &LoadArgs) -> anyhow::Result<()> {
    let binaries = build(&["elastic-chat-load"])?;
    run(command(binaries.join("elastic-chat-load"), &[]).args(&args.args))
}
