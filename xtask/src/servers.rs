//! `./dev stack`: real servers as local processes.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use stack::{Options, ProcessStatus, Redis, Stack};

use crate::process::root;

/// Between two looks at logs that are followed.
const PAUSE: Duration = Duration::from_millis(200);
const LAST_LINES: usize = 40;

#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    folder: Folder,
}

#[derive(clap::Args)]
struct Folder {
    /// Where data, logs and process files are kept
    #[arg(long, global = true, default_value = ".stack")]
    dir: PathBuf,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Start what does not run, and wait until it does its work
    Up(UpArgs),
    /// Stop everything; data and logs stay
    Down,
    /// Which processes there are
    Status {
        /// As a list of {name, pid, address, log, up, rss}
        #[arg(long)]
        json: bool,
    },
    /// What the processes said
    Logs {
        /// Of this one only
        name: Option<String>,
        /// Go on until Ctrl-C
        #[arg(long, short)]
        follow: bool,
    },
    /// Kill everything and remove its data
    Wipe,
    /// Kill with SIGKILL: no warning, no flush
    Kill {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Start again what was killed or stopped, and wait until it is ready
    Start {
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// End with SIGTERM
    Stop {
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(clap::Args)]
struct UpArgs {
    #[command(flatten)]
    servers: ServerArgs,
    /// Redis Cluster: three primaries with a replica each
    #[arg(long, conflicts_with = "sentinel")]
    redis_cluster: bool,
    /// Redis with a primary, two replicas and three sentinels
    #[arg(long)]
    sentinel: bool,
    /// nginx in front of these addresses, separated by commas
    #[arg(long, value_delimiter = ',', value_name = "ADDRESS")]
    nginx: Vec<SocketAddr>,
    /// toxiproxy, with a proxy in front of each server
    #[arg(long)]
    toxiproxy: bool,
}

/// What `stack up` and `run --distributed` have in common.
#[derive(clap::Args)]
pub struct ServerArgs {
    /// Kafka brokers: 1 or 3
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
    brokers: u16,
    /// Cassandra nodes: 1 or 3, on 127.0.0.1 to 127.0.0.3
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3))]
    cassandra: u16,
    /// Added to every port
    #[arg(long, default_value_t = 0)]
    port_offset: u16,
    /// Kafka and Cassandra with the compilers of production: for benchmarks
    #[arg(long)]
    full_jit: bool,
    /// Listen there instead of on 127.0.0.1. Nothing asks for a password
    #[arg(long)]
    host: Option<Ipv4Addr>,
}

impl ServerArgs {
    pub fn options(&self) -> Options {
        let Self { brokers, cassandra, port_offset, full_jit, host } = *self;
        Options { brokers, cassandra, port_offset, full_jit, host, ..Options::one_of_each() }
    }
}

impl UpArgs {
    fn options(&self) -> Options {
        let redis = match (self.redis_cluster, self.sentinel) {
            (true, _) => Redis::Cluster,
            (_, true) => Redis::Sentinel,
            _ => Redis::Standalone,
        };
        Options { redis, toxiproxy: self.toxiproxy, upstreams: self.nginx.clone(), ..self.servers.options() }
    }
}

/// Does what the command line says.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let dir = root().join(&args.folder.dir);
    if !dir.exists() {
        match args.command {
            Command::Up(_) => {}
            Command::Status { json: true } => return print(&[], true),
            _ => {
                println!("there is no stack in {}", dir.display());
                return Ok(());
            }
        }
    }
    let stack = Stack::open(&dir)?;
    match &args.command {
        Command::Up(up) => {
            let begin = Instant::now();
            stack.up(&up.options())?;
            print(&stack.status()?, false)?;
            println!("ready after {:.1} s", begin.elapsed().as_secs_f64());
            Ok(())
        }
        Command::Down => stack.down(),
        Command::Status { json } => print(&stack.status()?, *json),
        Command::Logs { name, follow } => logs(&stack, name.as_deref(), *follow),
        Command::Wipe => stack.wipe(),
        Command::Kill { names } => names.iter().try_for_each(|name| stack.kill(name)),
        Command::Start { names } => {
            let begin = Instant::now();
            stack.start(names)?;
            println!("ready after {:.1} s", begin.elapsed().as_secs_f64());
            Ok(())
        }
        Command::Stop { names } => names.iter().try_for_each(|name| stack.stop(name)),
    }
}

/// A line for each process, and their sum.
pub fn print(processes: &[ProcessStatus], json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(processes)?);
        return Ok(());
    }
    let megabytes = |bytes: u64| format!("{} MB", bytes >> 20);
    for process in processes {
        let state = process.pid.map_or_else(|| "down".to_owned(), |pid| format!("pid {pid}"));
        let ProcessStatus { name, address, rss, .. } = process;
        println!("{}", format!("{name:<12} {state:<12} {address:<18} {}", megabytes(*rss)).trim_end());
    }
    let up = processes.iter().filter(|process| process.up).count();
    let all = processes.iter().map(|process| process.rss).sum();
    println!("{up} of {} processes run, {}", processes.len(), megabytes(all));
    Ok(())
}

fn logs(stack: &Stack, name: Option<&str>, follow: bool) -> anyhow::Result<()> {
    let names: Vec<String> = match name {
        Some(name) => vec![name.to_owned()],
        None => stack.status()?.into_iter().map(|process| process.name).collect(),
    };
    let mut followed = Vec::new();
    for name in &names {
        let process = stack.process(name)?;
        let end = std::fs::metadata(&process.log).map_or(0, |log| log.len());
        println!("── {name}: {}", process.log.display());
        // Of one it is all, of many the end.
        let count = if names.len() == 1 { usize::MAX } else { LAST_LINES };
        print!("{}", process.last_lines(count));
        followed.push((name, process.log, end));
    }
    if follow { follow_on(followed) } else { Ok(()) }
}

fn follow_on(mut followed: Vec<(&String, PathBuf, u64)>) -> anyhow::Result<()> {
    let mut last = followed.last().map(|(name, _, _)| *name);
    loop {
        std::thread::sleep(PAUSE);
        for (name, log, end) in &mut followed {
            let news = news(log, end);
            if !news.is_empty() {
                if last.replace(name) != Some(name) {
                    println!("── {name}");
                }
                std::io::stdout().write_all(&news)?;
            }
        }
    }
}

/// What was written since the last look. A log that is shorter now is another one.
fn news(log: &Path, end: &mut u64) -> Vec<u8> {
    let mut read = || -> std::io::Result<Vec<u8>> {
        let mut file = std::fs::File::open(log)?;
        if file.metadata()?.len() < *end {
            *end = 0;
        }
        file.seek(SeekFrom::Start(*end))?;
        let mut news = Vec::new();
        file.read_to_end(&mut news)?;
        *end += news.len() as u64;
        Ok(news)
    };
    read().unwrap_or_default()
}
