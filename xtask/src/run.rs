use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::deploy;
use crate::distributed;
use crate::node::{alive, ready, serve};
use crate::process::{cargo, root, run as run_command, target};
use crate::web;

/// A node with much to read back may take a while.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    distributed: distributed::DistributedArgs,
    /// On a Kubernetes of its own, made by the operator from five lines. Takes root
    #[arg(long, conflicts_with_all = ["distributed", "admin_port", "data"])]
    cluster: bool,
    /// Where the chat answers
    #[arg(long, default_value_t = 8080, conflicts_with = "distributed")]
    port: u16,
    /// Where the node's admin port answers
    #[arg(long, default_value_t = 9090, conflicts_with = "distributed")]
    admin_port: u16,
    /// Where everything is kept
    #[arg(long, default_value = "data", conflicts_with = "distributed")]
    data: PathBuf,
    /// More flags for `chat-node serve`, after `--` (those that begin with --limit- also before)
    #[arg(last = true)]
    extra: Vec<String>,
}

#[derive(clap::Args)]
pub struct AnnounceArgs {
    pid: u32,
    listen: SocketAddr,
    admin: SocketAddr,
    data: PathBuf,
}

/// `--limit-…` are the node's flags, and may stand among ours: moves them behind the `--`.
pub fn with_limits_last(args: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut ours, mut limits) = (Vec::new(), Vec::new());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        if arg == "--" {
            limits.extend(args);
            break;
        }
        if arg.starts_with("--limit-") {
            let value = if arg.contains('=') { None } else { args.next() };
            limits.push(arg);
            limits.extend(value);
        } else {
            ours.push(arg);
        }
    }
    if !limits.is_empty() {
        ours.push("--".to_owned());
        ours.extend(limits);
    }
    ours
}

/// Builds what is not built, and becomes the node: Ctrl-C and SIGTERM reach it and nothing else, and the shell waits for
/// its clean end.
pub fn run(args: &Args) -> anyhow::Result<()> {
    if args.distributed.distributed {
        return distributed::serve(&args.distributed, &args.extra);
    }
    let listen = SocketAddr::from(([127, 0, 0, 1], args.port));
    if args.cluster {
        return deploy::serve(listen);
    }
    let admin = SocketAddr::from(([127, 0, 0, 1], args.admin_port));
    for (address, flag) in [(listen, "--port"), (admin, "--admin-port")] {
        if let Err(error) = TcpListener::bind(address) {
            bail!("{address} can't be used ({error}): stop what runs there, or choose another with {flag}");
        }
    }
    println!("Building the web client and the node (some minutes the first time, seconds afterwards)");
    web::build().context("the web client could not be built")?;
    run_command(&mut cargo(&["build", "--profile", "fast", "--package", "chat-node", "--locked"]))?;
    let data = root().join(&args.data);
    announce_later(listen, admin, &data)?;
    let error = serve(&target().join("fast/chat-node"), listen, admin, &data, &args.extra).exec();
    Err(error).context("cannot start the node")
}

/// Leaves a process behind that tells when the node is ready. It is nobody's child, since the node that we become knows
/// of none.
fn announce_later(listen: SocketAddr, admin: SocketAddr, data: &std::path::Path) -> anyhow::Result<()> {
    let mut shell = Command::new("sh");
    shell.args(["-c", "\"$@\" &", "sh"]).arg(std::env::current_exe()?).arg("announce");
    shell.args([std::process::id().to_string(), listen.to_string(), admin.to_string()]).arg(data);
    run_command(&mut shell)
}

/// Waits until the node is ready, and says where it is and what to do.
pub fn announce(args: &AnnounceArgs) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !ready(args.admin) {
        // What it died of, it has said itself.
        if !alive(args.pid)? || begin.elapsed() > PATIENCE {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    println!();
    println!("  Elastic Chat runs at  http://{}", args.listen);
    println!();
    println!("  Open it, register, then register a second person in a private window and say hello.");
    println!("  Everything is kept in {}. Ctrl-C stops it.", args.data.display());
    println!();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_passed_on() {
        let split = |line: &str| with_limits_last(line.split(' ').map(str::to_owned)).join(" ");
        assert_eq!(
            split("dev run --limit-a off --port 1 --limit-b=2"),
            "dev run --port 1 -- --limit-a off --limit-b=2"
        );
        assert_eq!(split("dev run --limit-a off -- --log debug"), "dev run -- --limit-a off --log debug");
        assert_eq!(split("dev run -- --log debug"), "dev run -- --log debug");
        assert_eq!(split("dev run --port 1"), "dev run --port 1");
    }
}
