//! `operator simulate`: replays per-second traffic through the operator's decision code and through other
//! autoscalers, and tells when capacity would have been short and what it would have cost.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::builder::PossibleValuesParser;
use scaling::policies;
use scaling::replay::{self, Outcome, Replay, SessionLength, World, plot};

/// Replays a traffic trace through this operator's decisions and through other autoscalers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arrivals per second, one integer a line; `.xz` is unpacked
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// Arrivals are scaled so that so many sessions are open on average
    #[arg(long, value_name = "N", default_value_t = 240_000.0, value_parser = positive)]
    scale_mean_sessions: f64,
    /// Connections that one gateway can carry
    #[arg(long, value_name = "N", default_value_t = 10_000.0, value_parser = positive)]
    capacity: f64,
    /// Part of the capacity that policies with a fixed target aim at; for `elastic` what is kept free until the traffic is known
    #[arg(long, value_name = "PERCENT", default_value_t = 70.0, value_parser = percent)]
    target: f64,
    /// From asking for a gateway to its serving
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    boot_seconds: u32,
    /// How long a session lasts on average
    #[arg(long, value_name = "N", default_value_t = 600, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    session_seconds: u32,
    /// How the lengths of sessions are distributed
    #[arg(long, value_name = "NAME", default_value = "exponential", value_parser = PossibleValuesParser::new(["exponential", "fixed"]))]
    session_length: String,
    /// How long a gateway drains before it is gone
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    drain_seconds: u32,
    /// Age of what the cluster's metrics pipeline gives to HPA and KEDA
    #[arg(long, value_name = "N", default_value_t = 15, value_parser = clap::value_parser!(u32).range(0..=3_600))]
    metric_lag_seconds: u32,
    /// How often this operator asks the gateways itself; its readings are as old
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=600))]
    scrape_seconds: u32,
    /// How far the busiest gateway is above the mean
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0, value_parser = percent_or_zero)]
    imbalance: f64,
    /// Never fewer gateways
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    min: u32,
    /// Never more gateways
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max: u32,
    /// Replays only what comes after the first so many seconds
    #[arg(long, value_name = "N", default_value_t = 0)]
    skip_seconds: usize,
    /// Replays only so many seconds
    #[arg(long, value_name = "N")]
    take_seconds: Option<usize>,
    /// Which policy to replay
    #[arg(long, value_name = "NAME", default_value = "all", value_parser = PossibleValuesParser::new(["all", "elastic", "hpa", "keda", "kpa", "agones"]))]
    policy: String,
    /// Prints JSON instead of a table: an object for one policy, a list for all
    #[arg(long)]
    json: bool,
    /// Writes a picture of the replay
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// # Errors
/// A trace that can't be read or has no arrivals, limits that contradict each other, a plot that can't be written.
pub fn run(args: &Args) -> Result<()> {
    if args.min > args.max {
        bail!("--min {} is more than --max {}", args.min, args.max);
    }
    let arrivals = arrivals(args)?;
    let length = if args.session_length == "fixed" { SessionLength::Fixed } else { SessionLength::Exponential };
    let sessions = replay::sessions(&arrivals, args.session_seconds, length, args.scale_mean_sessions);
    let world = World {
        capacity: args.capacity,
        target_percent: args.target,
        boot_seconds: args.boot_seconds,
        drain_seconds: args.drain_seconds,
        metric_lag_seconds: args.metric_lag_seconds,
        scrape_seconds: args.scrape_seconds,
        imbalance_percent: args.imbalance,
        min: args.min,
        max: args.max,
    };
    let replays: Vec<Replay> = policies::NAMES
        .into_iter()
        .filter(|name| args.policy == "all" || args.policy == *name)
        .filter_map(|name| policies::by_name(name, &world))
        .map(|mut policy| replay::replay(&world, &sessions, &mut *policy))
        .collect();
    if let Some(path) = &args.plot {
        std::fs::write(path, plot::svg(&world, &sessions, &replays))
            .with_context(|| format!("can't write the plot to {}", path.display()))?;
    }
    let outcomes: Vec<&Outcome> = replays.iter().map(|replay| &replay.outcome).collect();
    match outcomes.as_slice() {
        [one] if args.json => println!("{}", serde_json::to_string(one)?),
        all if args.json => println!("{}", serde_json::to_string_pretty(all)?),
        all => print!("{}", table(all)),
    }
    Ok(())
}

fn arrivals(args: &Args) -> Result<Vec<u32>> {
    let text = read(&args.trace).with_context(|| format!("can't read the trace {}", args.trace.display()))?;
    let all = replay::parse(&text).with_context(|| format!("{} is no trace", args.trace.display()))?;
    let take = args.take_seconds.unwrap_or(usize::MAX);
    let arrivals: Vec<u32> = all.iter().copied().skip(args.skip_seconds).take(take).collect();
    if arrivals.iter().all(|count| *count == 0) {
        bail!("{}: nobody arrives in the {} seconds that were asked for", args.trace.display(), arrivals.len());
    }
    Ok(arrivals)
}

/// A trace is a few MB; what is larger is none.
const MOST_BYTES: u64 = 1 << 30;

fn read(path: &Path) -> Result<String> {
    let file = std::fs::File::open(path)?;
    let mut text = String::new();
    if path.extension().is_some_and(|extension| extension == "xz") {
        let mut plain = Vec::new();
        lzma_rs::xz_decompress(&mut std::io::BufReader::new(file), &mut plain).context("this is no xz file")?;
        text = String::from_utf8(plain)?;
    } else {
        file.take(MOST_BYTES).read_to_string(&mut text)?;
    }
    Ok(text)
}

fn table(outcomes: &[&Outcome]) -> String {
    let mut text = format!(
        "{:<10}{:>14}{:>18}{:>12}{:>10}{:>19}\n",
        "policy", "seconds_under", "worst_run_seconds", "pod_hours", "actions", "direction_changes"
    );
    for outcome in outcomes {
        let _ = writeln!(
            text,
            "{:<10}{:>14}{:>18}{:>12.1}{:>10}{:>19}",
            outcome.policy,
            outcome.seconds_under,
            outcome.worst_run_seconds,
            outcome.pod_hours,
            outcome.actions,
            outcome.direction_changes
        );
    }
    text
}

fn number(text: &str) -> Result<f64, String> {
    text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| format!("{text:?} is no number"))
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| if value > 0.0 { Ok(value) } else { Err("it has to be above 0".to_owned()) })
}

fn percent(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| {
        if value > 0.0 && value <= 100.0 { Ok(value) } else { Err("it has to be above 0 and at most 100".to_owned()) }
    })
}

fn percent_or_zero(text: &str) -> Result<f64, String> {
    number(text).and_then(|value| {
        if (0.0..=100.0).contains(&value) { Ok(value) } else { Err("it has to be from 0 to 100".to_owned()) }
    })
}
