use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::node::{alive, ready, serve};
use crate::process::{cargo, root, run as run_command, target};
use crate::web;

/// A node with much to read back may take a while.
const PATIENCE: Duration = Duration::from_mins(2);

#[derive(clap::Args)]
pub struct Args {
    /// Where the chat answers
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Where the node's admin port answers
    #[arg(long, default_value_t = 9090)]
    admin_port: u16,
    /// Where everything is kept
    #[arg(long, default_value = "data")]
    data: PathBuf,
    /// More flags for `chat-node serve`, after `--`
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

/// Builds what is not built, and becomes the node: Ctrl-C and SIGTERM reach it and nothing else, and the shell waits for
/// its clean end.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let listen = SocketAddr::from(([127, 0, 0, 1], args.port));
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
