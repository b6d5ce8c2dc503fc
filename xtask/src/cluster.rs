//! `./dev cluster`: a Kubernetes to work with.

mod foreign;

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail};
use local_cluster::{Cluster, Mode, Status};

use crate::interrupt::Interrupt;
use crate::process::root;
use foreign::Foreign;

/// What makes us the process that leads ports into the cluster's network.
pub const FORWARD: &str = "cluster-forward";

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Action,
    #[command(flatten)]
    folder: Folder,
}

#[derive(clap::Args)]
pub struct Folder {
    /// Where everything of the cluster is kept
    #[arg(long = "cluster-dir", global = true, default_value = ".cluster", value_name = "DIR")]
    dir: PathBuf,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Start a cluster, and wait until it does its work
    Up(UpArgs),
    /// End it, and remove all of it
    Down,
    /// Give images to its node, from archives of Docker, Podman or Buildah
    LoadImages {
        #[arg(required = true)]
        archives: Vec<PathBuf>,
    },
    /// What runs, and how it is reached
    Status {
        #[arg(long)]
        json: bool,
    },
    /// kubectl as its administrator
    Kubectl {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run a command in its network, where the addresses of Services lead to pods
    Inside {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        command: Vec<String>,
    },
    /// Kill one of its processes with SIGKILL
    Kill { name: String },
    /// Start again what was killed, and wait until it is ready
    Start { name: String },
}

#[derive(clap::Args)]
pub struct UpArgs {
    /// Use a cluster that is there, by a context of your kubeconfig
    #[arg(long, conflicts_with_all = ["kind", "local", "control_plane_only"])]
    context: Option<String>,
    /// In Docker, by kind. Without this and --local, so it is done where a Docker engine answers and kind is installed
    #[arg(long, conflicts_with_all = ["local", "control_plane_only"])]
    kind: bool,
    /// As processes of this machine. Takes root
    #[arg(long)]
    local: bool,
    /// An API server and its controllers, and no node: pods stay pending. Takes no root
    #[arg(long)]
    control_plane_only: bool,
    /// The API server's port on 127.0.0.1
    #[arg(long, default_value_t = 6443)]
    port: u16,
}

#[derive(clap::Args)]
pub struct ForwardArgs {
    /// A process in the network to lead into
    process: u32,
    /// As 127.0.0.1:8080=10.96.1.2:80
    #[arg(required = true)]
    ways: Vec<String>,
}

/// Does what the command line says.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let dir = root().join(&args.folder.dir);
    if let Action::Up(up) = &args.command {
        return self::up(&dir, up);
    }
    if !dir.exists() {
        match args.command {
            Action::Status { json: false } | Action::Down => println!("there is no cluster in {}", dir.display()),
            Action::Status { json: true } => println!("{}", serde_json::json!({"mode": null, "up": false})),
            _ => bail!("there is no cluster in {}: `./dev cluster up`", dir.display()),
        }
        return Ok(());
    }
    if let Some(foreign) = Foreign::load(&dir)? {
        return foreign_action(&foreign, &args.command);
    }
    let cluster = Cluster::open(&dir)?;
    match &args.command {
        Action::Up(_) => Ok(()),
        Action::Down => cluster.down(),
        Action::LoadImages { archives } => cluster.load_images(archives),
        Action::Status { json } => print(&cluster.status()?, *json),
        Action::Kubectl { args } => become_this(cluster.kubectl()?.args(args)),
        Action::Inside { command } => become_this(cluster.command_inside(&command[0])?.args(&command[1..])),
        Action::Kill { name } => cluster.kill(name),
        Action::Start { name } => cluster.start(name),
    }
}

fn foreign_action(foreign: &Foreign, action: &Action) -> anyhow::Result<()> {
    match action {
        Action::Up(_) => Ok(()),
        Action::Down => foreign.down(),
        Action::LoadImages { archives } => foreign.load_images(archives),
        Action::Status { json } => {
            foreign.status(*json);
            Ok(())
        }
        Action::Kubectl { args } => become_this(foreign.kubectl().args(args)),
        Action::Inside { .. } | Action::Kill { .. } | Action::Start { .. } => {
            bail!("that can only be done with a cluster of local processes")
        }
    }
}

fn up(dir: &std::path::Path, args: &UpArgs) -> anyhow::Result<()> {
    let begin = Instant::now();
    if let Some(context) = &args.context {
        Foreign::use_context(dir, context)?.status(false);
        return Ok(());
    }
    let local = args.local || args.control_plane_only || Cluster::open(dir)?.status()?.mode.is_some();
    if args.kind || (!local && foreign::kind_works()) {
        Foreign::create_kind(dir)?.status(false);
        return Ok(());
    }
    let cluster = Arc::new(Cluster::open(dir)?);
    let interrupt = Interrupt::watch({
        let cluster = cluster.clone();
        move || cluster.interrupt()
    })?;
    let mode = if args.control_plane_only { Mode::ControlPlane } else { Mode::Full };
    let outcome = cluster.up(mode, Some(args.port), &forwarder()?);
    if interrupt.seen() {
        cluster.down()?;
    }
    outcome?;
    print(&cluster.status()?, false)?;
    println!("ready after {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// The command that calls [`forward`].
pub fn forwarder() -> anyhow::Result<Vec<String>> {
    Ok(vec![std::env::current_exe()?.display().to_string(), FORWARD.to_owned()])
}

/// Leads ports of this machine into another network, until it is killed.
pub fn forward(args: &ForwardArgs) -> anyhow::Result<()> {
    let ways: Vec<_> = args.ways.iter().map(|way| local_cluster::forward::parse_way(way)).collect::<Result<_, _>>()?;
    local_cluster::forward::serve(args.process, &ways)
}

fn become_this(command: &mut Command) -> anyhow::Result<()> {
    Err(command.exec()).with_context(|| format!("cannot run {}", command.get_program().display()))
}

fn print(status: &Status, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(status)?);
        return Ok(());
    }
    crate::servers::print(&status.processes, false)?;
    let Some(api) = &status.api_server else {
        println!("there is no cluster");
        return Ok(());
    };
    println!("API server   {api}\nkubeconfig   {}", status.kubeconfig.display());
    if let Some(address) = status.node_address {
        println!("node         {address}: where pods reach servers that `./dev cluster inside` runs");
    }
    Ok(())
}
