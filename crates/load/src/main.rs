//! `elastic-chat-load`: see `elastic-chat-load --help`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use elastic_chat_load::bench;
use elastic_chat_load::report::Report;
use elastic_chat_load::scenario::{self, Crowd, Plan, Storm, Target};
use tokio_util::sync::CancellationToken;

/// Load generator for Elastic Chat, with a history checker that is always on
///
/// Ends with 1 when the checker found a violation, with 2 when the run could not be made. Start the node with
/// `--limit-auth-per-address off --limit-sends-per-user off --limit-connections-per-user off --limit-handshakes off`.
#[derive(Parser)]
#[command(name = "elastic-chat-load", version)]
struct Cli {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// Connections that do nothing: memory for each
    Idle {
        #[arg(long, default_value_t = 10_000, value_parser = some)]
        connections: usize,
        #[arg(long, default_value_t = 50, value_parser = some)]
        connections_per_user: usize,
    },
    /// Pairs of people who talk
    Pairs {
        #[arg(long, default_value_t = 50, value_parser = some)]
        pairs: usize,
        /// Messages a second, all together
        #[arg(long, default_value_t = 100.0, value_parser = positive)]
        rate: f64,
    },
    /// Rooms of several people
    Rooms {
        #[arg(long, default_value_t = 10, value_parser = some)]
        rooms: usize,
        #[arg(long, default_value_t = 20, value_parser = some)]
        members: usize,
        #[arg(long, default_value_t = 100.0, value_parser = positive)]
        rate: f64,
    },
    /// One room in which one person speaks to many
    HotRoom {
        #[arg(long, default_value_t = 1_000, value_parser = some)]
        members: usize,
        #[arg(long, default_value_t = 100.0, value_parser = positive)]
        rate: f64,
    },
    /// Pairs of people who talk, and all lose their connection at once, again and again
    Storm {
        #[arg(long, default_value_t = 100, value_parser = some)]
        pairs: usize,
        #[arg(long, default_value_t = 100.0, value_parser = positive)]
        rate: f64,
        /// Seconds between two storms
        #[arg(long, default_value_t = 3.0, value_parser = positive)]
        every: f64,
    },
    /// Every connection sends as fast as it gets its acks
    Sends {
        #[arg(long, default_value_t = 200, value_parser = some)]
        connections: usize,
    },
    /// Pages from anywhere in a long history
    History {
        #[arg(long, default_value = "bench")]
        username: String,
        #[arg(long, env = "CHAT_IMPORT_PASSWORD", hide_env_values = true)]
        password: String,
    },
    /// What real people said, from IRC logs
    Replay {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// How much faster than real time
        #[arg(long, default_value_t = 60.0, value_parser = positive)]
        speed: f64,
    },
    /// Start a node and measure what docs/benchmarks.md promises
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(run(cli)));
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<bool> {
    let target = &cli.target;
    if let Scenario::Bench(args) = cli.scenario {
        return bench::run(args).await;
    }
    let stop = CancellationToken::new();
    let report = tokio::select! {
        report = scenario(target, cli.scenario, &stop) => report?,
        never = ctrl_c(&stop) => match never {},
    };
    target.publish(&report)?;
    Ok(report.history.sound())
}

/// The first Ctrl-C ends the run early, with its report and verdict; the second one ends the process.
async fn ctrl_c(stop: &CancellationToken) -> Infallible {
    if tokio::signal::ctrl_c().await.is_ok() {
        eprintln!("stopping; reading what the server has (Ctrl-C again to leave at once)");
        stop.cancel();
        if tokio::signal::ctrl_c().await.is_ok() {
            std::process::exit(130);
        }
    }
    std::future::pending().await
}

async fn scenario(target: &Target, scenario: Scenario, stop: &CancellationToken) -> anyhow::Result<Report> {
    let talk = |rate| Plan { rate, text: 64, owner_only: false, storm: None, stop: stop.clone() };
    let report = match scenario {
        Scenario::Bench(_) => anyhow::bail!("a benchmark is no single scenario"),
        Scenario::Idle { connections, connections_per_user } => {
            scenario::idle(target, connections, connections_per_user, stop).await?
        }
        Scenario::Sends { connections } => scenario::sends(target, connections, stop).await?,
        Scenario::History { username, password } => scenario::history(target, &username, &password, stop).await?,
        Scenario::Replay { files, speed } => scenario::replay(target, &files, speed, stop).await?,
        Scenario::Pairs { pairs, rate } => {
            let crowd = rooms(target, pairs, 2).await?;
            scenario::open_loop("pairs", target, crowd, &talk(rate)).await?
        }
        Scenario::Rooms { rooms: count, members, rate } => {
            let crowd = rooms(target, count, members).await?;
            scenario::open_loop("rooms", target, crowd, &talk(rate)).await?
        }
        Scenario::HotRoom { members, rate } => {
            let crowd = rooms(target, 1, members).await?;
            scenario::open_loop("hot-room", target, crowd, &Plan { owner_only: true, ..talk(rate) }).await?
        }
        Scenario::Storm { pairs, rate, every } => {
            let crowd = rooms(target, pairs, 2).await?;
            let storm = Some(Storm { every: Duration::from_secs_f64(every.max(0.1)) });
            scenario::open_loop("storm", target, crowd, &Plan { storm, ..talk(rate) }).await?
        }
    };
    Ok(report)
}

fn positive(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("must be above 0".into()) }
}

fn some(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "not a whole number".to_owned())?;
    if number > 0 { Ok(number) } else { Err("must be at least 1".into()) }
}

async fn rooms(target: &Target, count: usize, members: usize) -> anyhow::Result<Crowd> {
    let mut crowd = Crowd::gather(target, count * members).await?;
    for room in 0..count {
        crowd.room((room * members..(room + 1) * members).collect(), members == 2).await?;
    }
    crowd.connect(1, false).await?;
    Ok(crowd)
}
