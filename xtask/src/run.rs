use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, bail};

use crate::node::Node;
use crate::process::{cargo, root, run as run_command};
use crate::web;

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

/// Builds what is not built, and runs the node until Ctrl-C.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let listen = SocketAddr::from(([127, 0, 0, 1], args.port));
    let admin = SocketAddr::from(([127, 0, 0, 1], args.admin_port));
    for (address, flag) in [(listen, "--port"), (admin, "--admin-port")] {
        if let Err(error) = TcpListener::bind(address) {
            bail!("{address} can't be used ({error}): stop what runs there, or choose another with {flag}");
        }
    }
    println!("Building the web client and the node (some minutes the first time, seconds afterwards)…");
    web::build().context("the web client could not be built")?;
    run_command(&mut cargo(&["build", "--quiet", "--profile", "fast", "--package", "chat-node"]))?;
    let data = root().join(&args.data);
    let binary = root().join("target/fast/chat-node");
    let mut node = Node::start(&binary, listen, admin, &data, &args.extra, Stdio::inherit())?;
    println!();
    println!("  Elastic Chat runs at  http://{listen}");
    println!();
    println!("  Open it, register, then register a second person in a private window and say hello.");
    println!("  Everything is kept in {}. Ctrl-C stops it.", data.display());
    println!();
    // Ctrl-C reaches the node as well: it is in our process group, and ends by itself.
    let status = node.child.wait()?;
    if !status.success() {
        bail!("the node ended with {status}");
    }
    Ok(())
}
