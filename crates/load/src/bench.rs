//! The figures of docs/benchmarks.md: a fresh node on one core, the generator on another, medians of several runs.

mod figure;
mod server;

use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

pub use figure::Figure;

use crate::client::Shared;
use crate::machine::{Machine, machine};
use crate::scenario::{self, Crowd, Plan, Target};
use server::Server;

/// The latency up to which a rate of deliveries counts.
const DELIVERY_P99_MS: f64 = 50.0;

#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// The node's binary
    #[arg(long)]
    node_binary: PathBuf,
    /// Only these (import, history, idle, hot-room, sends)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Files or folders with IRC logs for the import, and for the history after it
    #[arg(long, default_value = "chat-node/tests/data/ubuntu-irc")]
    irc: Vec<PathBuf>,
    /// Write everything here as JSON
    #[arg(long)]
    bench_json: Option<PathBuf>,
    #[arg(long, default_value_t = 10_000)]
    idle_connections: usize,
    #[arg(long, default_value_t = 1_000)]
    hot_members: usize,
    /// Messages a second in the hot room, tried in this order
    #[arg(long, value_delimiter = ',', default_values_t = [150.0, 200.0, 225.0, 250.0, 300.0])]
    hot_rates: Vec<f64>,
    /// Where the node's data goes
    #[arg(long)]
    work_dir: Option<PathBuf>,
}

#[derive(Serialize)]
struct Results {
    machine: Machine,
    figures: Vec<Figure>,
}

/// True when no run broke a promise of the history.
pub async fn run(args: Args) -> anyhow::Result<bool> {
    let server = Server::new(&args.node_binary, args.work_dir.as_deref())?;
    server::pin_self()?;
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let mut figures = Vec::new();
    if wanted("import") || wanted("history") {
        imports(&args, &server, &mut figures).await?;
    }
    if wanted("idle") {
        idle(&args, &server, &mut figures).await?;
    }
    if wanted("hot-room") {
        hot_room(&args, &server, &mut figures).await?;
    }
    if wanted("sends") {
        sends(&args, &server, &mut figures).await?;
    }
    let results = Results { machine: machine(), figures };
    print(&results);
    if let Some(path) = &args.bench_json {
        std::fs::write(path, serde_json::to_vec_pretty(&results)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(results.figures.iter().all(|figure| figure.violations == 0))
}

fn target(server: &server::Running) -> Target {
    Target {
        url: format!("http://{}", server.address),
        server_pid: Some(server.pid()),
        json: None,
        prefix: "load".into(),
        duration: 5.0,
        warmup: 1.0,
        seed: 1,
        quiet: true,
    }
}

async fn imports(args: &Args, server: &Server, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut rate = Figure::new("Import of IRC logs", "messages/s", "≥ 20,000");
    let mut page = Figure::new("History: page of 50 from anywhere, p99", "ms", "≤ 5");
    for _ in 0..args.runs {
        let data = server.fresh_folder()?;
        rate.add(server.import(&args.irc, &data)?, 0);
        let running = server.start(&data).await?;
        let report = scenario::history(&target(&running), "bench", server::PASSWORD, &CancellationToken::new()).await?;
        page.add(report.figures.get("page p99 ms").copied().unwrap_or(f64::NAN), 0);
    }
    figures.extend([rate, page]);
    Ok(())
}

async fn idle(args: &Args, server: &Server, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut figure = Figure::new("Idle connection, resident", "bytes", "≤ 12,288 (goal 6,144)");
    for _ in 0..args.runs {
        let running = server.start(&server.fresh_folder()?).await?;
        // Long enough for a ping of every connection.
        let target = Target { duration: 30.0, ..target(&running) };
        let report = scenario::idle(&target, args.idle_connections, 50, &CancellationToken::new()).await?;
        report.print();
        let bytes = report.figures.get("resident bytes per connection").copied();
        figure.add(bytes.unwrap_or(f64::NAN), report.history.violations());
    }
    figures.push(figure);
    Ok(())
}

async fn hot_room(args: &Args, server: &Server, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut rate =
        Figure::new("One sender to 1,000 members, highest rate with p99 ≤ 50 ms", "deliveries/s", "≥ 200,000");
    let mut p99 = Figure::new("The same: delivery p99 at that rate", "ms", "≤ 50");
    let mut cpu = Figure::new("The same: the generator's CPU", "cores", "");
    let running = server.start(&server.fresh_folder()?).await?;
    // Signing in a thousand people takes half a minute of hashing: once is enough.
    let people = Crowd::gather(&target(&running), args.hot_members).await?.people;
    for _ in 0..args.runs {
        let mut best: Option<(f64, f64, f64)> = None;
        let mut violations = 0;
        for tried in &args.hot_rates {
            let target = target(&running);
            let shared = Shared::new(&target.authority()?);
            let mut crowd = Crowd { shared, people: people.clone(), rooms: Vec::new(), seats: Vec::new() };
            crowd.room((0..args.hot_members).collect(), false).await?;
            crowd.connect(1, false).await?;
            let plan = Plan { rate: *tried, text: 64, owner_only: true, storm: None, stop: CancellationToken::new() };
            let report = scenario::open_loop("hot-room", &target, crowd, &plan).await?;
            report.print();
            violations += report.history.violations();
            if report.delivery_ms.p99 > DELIVERY_P99_MS {
                break;
            }
            best = Some((
                report.deliveries_per_second,
                report.delivery_ms.p99,
                report.generator_cpu_seconds / report.seconds,
            ));
        }
        let (best_rate, best_p99, best_cpu) = best.unwrap_or((0.0, f64::NAN, f64::NAN));
        rate.add(best_rate, violations);
        p99.add(best_p99, 0);
        cpu.add(best_cpu, 0);
    }
    figures.extend([rate, p99, cpu]);
    Ok(())
}

async fn sends(args: &Args, server: &Server, figures: &mut Vec<Figure>) -> anyhow::Result<()> {
    let mut rate = Figure::new("Durable sends, 200 connections", "messages/s", "≥ 5,000");
    let mut ack = Figure::new("The same: send → ack p99", "ms", "");
    let running = server.start(&server.fresh_folder()?).await?;
    for _ in 0..args.runs {
        let report = scenario::sends(&target(&running), 200, &CancellationToken::new()).await?;
        report.print();
        rate.add(report.acked_per_second, report.history.violations());
        ack.add(report.ack_ms.p99, 0);
    }
    figures.extend([rate, ack]);
    Ok(())
}

fn print(results: &Results) {
    let Machine { cpu, cores, memory_gib, kernel } = &results.machine;
    println!(
        "\nMachine: {cpu}, {cores} cores, {memory_gib} GiB, Linux {kernel}. Node on one core, generator on another.\n"
    );
    println!("| figure | median | min – max | runs | goal | violations |");
    println!("|---|---:|---:|---:|---|---:|");
    for figure in &results.figures {
        println!("{figure}");
    }
}
