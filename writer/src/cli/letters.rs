use std::time::Duration;

use anyhow::{Context as _, bail};
use chat_cluster::{ClusterArgs, ConfigProblems, Projection};
use chat_core::Timestamp;
use chat_kafka::{DeadLetter, DeadLetters, Place};
use service_kit::telemetry;

use crate::Backends;
use crate::dead_letter::{Replayed, replay};

/// Reading all dead letters of 30 days.
const SCAN_DEADLINE: Duration = Duration::from_mins(2);

#[derive(clap::Subcommand)]
pub enum Command {
    /// One line for each: its place in the log, since when, and why
    List {
        #[command(flatten)]
        cluster: Box<ClusterArgs>,
    },
    /// Everything about one
    Show {
        /// Where it was in the log, such as chat.events/5/1234
        place: Place,
        #[command(flatten)]
        cluster: Box<ClusterArgs>,
    },
    /// Project again, at their own place in the log; needs Redis and Cassandra too. Doing it twice has the effect of once
    Replay {
        /// Which ones
        #[arg(required_unless_present = "all")]
        places: Vec<Place>,
        /// All of them
        #[arg(long, conflicts_with = "places")]
        all: bool,
        #[command(flatten)]
        cluster: Box<ClusterArgs>,
    },
}

pub fn run(command: Command) -> anyhow::Result<()> {
    telemetry::init(false, "warn")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match command {
            Command::List { cluster } => list(&letters(&cluster)?).await,
            Command::Show { place, cluster } => show(&letters(&cluster)?, &place).await,
            Command::Replay { places, cluster, .. } => replay_all(&cluster, &places).await,
        }
    })
}

fn letters(cluster: &ClusterArgs) -> anyhow::Result<DeadLetters> {
    Ok(DeadLetters::open(&cluster.kafka("writer-dead-letter"))?)
}

async fn list(dead: &DeadLetters) -> anyhow::Result<()> {
    let found = dead.scan(false, SCAN_DEADLINE).await?;
    for letter in &found {
        println!("{}  {}  {}", letter.place, Timestamp::from_millis(letter.at), letter.error);
    }
    eprintln!("{} dead letters", found.len());
    Ok(())
}

async fn show(dead: &DeadLetters, place: &Place) -> anyhow::Result<()> {
    let found = dead.scan(true, SCAN_DEADLINE).await?;
    let letter = found.iter().find(|letter| letter.place == *place).with_context(|| unknown(place))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    println!("place: {}\nsince: {}\nerror: {}", letter.place, Timestamp::from_millis(letter.at), letter.error);
    println!("key:   {}", letter.key.as_deref().map_or_else(|| "none".to_owned(), text));
    for (name, value) in &letter.headers {
        println!("header {name}: {}", text(value));
    }
    if let Some(length) = letter.cut_from {
        println!("The first bytes of {length}:");
    }
    println!("{}", letter.value.as_deref().map_or_else(|| "no value".to_owned(), text));
    Ok(())
}

fn unknown(place: &Place) -> String {
    format!("{place} is no dead letter, or was dealt with: see `writer dead-letter list`")
}

async fn replay_all(cluster: &ClusterArgs, places: &[Place]) -> anyhow::Result<()> {
    let problems = cluster.problems();
    if !problems.is_empty() {
        return Err(ConfigProblems(problems).into());
    }
    let (dead, projection) = (letters(cluster)?, Projection::open(cluster)?);
    let backends = Backends::from(&projection);
    let topics = cluster.kafka("").topics();
    let found = dead.scan(true, SCAN_DEADLINE).await?;
    for place in places {
        if !found.iter().any(|letter| letter.place == *place) {
            bail!(unknown(place));
        }
    }
    connected(&backends).await?;
    let chosen: Vec<&DeadLetter> =
        found.iter().filter(|letter| places.is_empty() || places.contains(&letter.place)).collect();
    let mut refused = 0;
    for letter in &chosen {
        match replay(letter, &topics, &backends).await.with_context(|| format!("{} was not replayed", letter.place))? {
            Replayed::Done => {
                dead.resolve(&letter.place)
                    .await
                    .context("it is in the store, but stays in the list: replay it again")?;
                println!("{}: done", letter.place);
            }
            Replayed::Refused(why) => {
                refused += 1;
                println!("{}: still refused: {why}", letter.place);
            }
        }
    }
    dead.close().await;
    projection.close().await;
    if refused > 0 {
        bail!("{refused} of {} stay dead letters", chosen.len());
    }
    Ok(())
}

/// Connections are made in the background: gives them time, and then says what is wrong.
async fn connected(backends: &Backends) -> anyhow::Result<()> {
    let begin = std::time::Instant::now();
    loop {
        let (store, tail) = tokio::join!(backends.store.check(), backends.tail.check());
        match store.and(tail) {
            Ok(()) => return Ok(()),
            Err(error) if begin.elapsed() > Duration::from_secs(15) => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}
