//! `./dev run --distributed`: three nodes and two writers on real servers, behind nginx.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use stack::{Chat, Options, Stack};

use crate::interrupt::Interrupt;
use crate::process::{cargo, root, run, target};
use crate::servers::ServerArgs;
use crate::web;

#[derive(clap::Args)]
pub struct DistributedArgs {
    /// Three nodes and two writers behind nginx, on real Redis, Kafka, Cassandra and S3
    #[arg(long)]
    pub distributed: bool,
    #[command(flatten)]
    servers: ServerArgs,
    /// Where the servers' data, logs and process files are kept
    #[arg(long, default_value = ".stack", requires = "distributed")]
    dir: PathBuf,
    /// Remove the servers' data at the end
    #[arg(long, requires = "distributed")]
    wipe: bool,
    /// Take chat-node and writer from this folder, and build nothing
    #[arg(long, hide = true, requires = "distributed")]
    binaries: Option<PathBuf>,
}

/// Stays until Ctrl-C or SIGTERM, and then stops everything it is made of.
///
/// # Errors
/// A part could not be built or started: everything is stopped again, and the error has the end of its log.
pub fn serve(args: &DistributedArgs, node_flags: &[String]) -> anyhow::Result<()> {
    let stack = Arc::new(Stack::open(root().join(&args.dir))?);
    refuse_second(&stack)?;
    let chat = Chat { node_flags: node_flags.to_vec(), ..Chat::new(binaries(args)?) };
    let mut options = args.servers.options();
    let ports = options.ports();
    options.upstreams = (1..=chat.nodes).map(|n| ports.node(n)).collect();
    let interrupt = Interrupt::watch({
        let stack = stack.clone();
        move || {
            println!("\nStopping: first the nodes, then the writers, then the servers");
            stack.interrupt();
        }
    })?;
    let outcome = start(&stack, &options, &chat).map(|()| {
        announce(&stack, &options);
        watch(&stack, &interrupt);
    });
    let stopped = stack.down().and_then(|()| if args.wipe { stack.wipe() } else { Ok(()) });
    match outcome {
        // That parts did not come up is then what was wanted.
        Err(_) if interrupt.seen() => stopped,
        outcome => outcome.and(stopped),
    }
}

fn binaries(args: &DistributedArgs) -> anyhow::Result<PathBuf> {
    if let Some(folder) = &args.binaries {
        return Ok(folder.canonicalize()?);
    }
    println!("Building the web client, the node and the writer (some minutes the first time, seconds afterwards)");
    web::build().context("the web client could not be built")?;
    run(&mut cargo(&["build", "--profile", "fast", "--package", "chat-node", "--package", "writer", "--locked"]))?;
    Ok(target().join("fast"))
}

fn refuse_second(stack: &Stack) -> anyhow::Result<()> {
    let of_chat = |name: &str| name.starts_with("node-") || name.starts_with("writer-");
    let running = stack.status()?.into_iter().find(|process| process.up && of_chat(&process.name));
    if let Some(process) = running {
        bail!(
            "{} runs already in {}: end that `./dev run`, or `./dev stack down`",
            process.name,
            stack.dir().display()
        );
    }
    Ok(())
}

fn start(stack: &Stack, options: &Options, chat: &Chat) -> anyhow::Result<()> {
    println!("Starting Redis, Kafka, Cassandra, S3 and nginx");
    stack.up(options)?;
    println!("Starting {} nodes and {} writers", chat.nodes, chat.writers);
    stack.start_chat(chat)
}

fn announce(stack: &Stack, options: &Options) {
    println!();
    println!("  Elastic Chat runs at  http://{}", options.ports().nginx());
    println!();
    println!(
        "  In another terminal `./dev stack status` lists the parts, `./dev stack kill node-1` kills one with -9 and"
    );
    println!("  `./dev stack start node-1` brings it back. Everything is kept in {}.", stack.dir().display());
    println!("  Ctrl-C stops it all.");
    println!();
}

/// Tells what goes and comes until a signal. Going is no reason to end: somebody may be trying faults.
fn watch(stack: &Stack, interrupt: &Interrupt) {
    let down = || {
        let all = stack.status().unwrap_or_default();
        all.into_iter().filter(|process| !process.up).map(|process| process.name).collect::<Vec<_>>()
    };
    let mut before = Vec::new();
    while !interrupt.wait(Duration::from_millis(500)) {
        let now = down();
        for name in now.iter().filter(|name| !before.contains(*name)) {
            println!(
                "  {name} is gone: `./dev stack logs {name}` tells more, `./dev stack start {name}` brings it back"
            );
        }
        for name in before.iter().filter(|name| !now.contains(*name)) {
            println!("  {name} is back");
        }
        before = now;
    }
}
