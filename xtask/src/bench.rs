use std::path::PathBuf;

use crate::process::{cargo, command, root, run};

#[derive(clap::Args)]
pub struct BenchArgs {
    /// Arguments of `elastic-chat-load bench`, for example `--only idle --runs 1`
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
    Ok(root().join("target/fast"))
}

pub fn bench(args: &BenchArgs) -> anyhow::Result<()> {
    let binaries = build(&["chat-node", "elastic-chat-load"])?;
    let node = binaries.join("chat-node");
    let mut bench = command(binaries.join("elastic-chat-load"), &["bench", "--node-binary"]);
    run(bench.arg(node).args(&args.args))
}

pub fn load(args: &LoadArgs) -> anyhow::Result<()> {
    let binaries = build(&["elastic-chat-load"])?;
    run(command(binaries.join("elastic-chat-load"), &[]).args(&args.args))
}
