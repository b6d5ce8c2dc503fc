use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hdrhistogram::Histogram;
use hyper::Method;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;

use super::Target;
use crate::client::{Account, Http, Shared};
use crate::report::{Latency, Report, Start};

/// Pages of 50 from anywhere in an account's largest conversation.
pub async fn history(
    target: &Target,
    username: &str,
    password: &str,
    stop: &CancellationToken,
) -> anyhow::Result<Report> {
    let shared = Shared::new(&target.authority()?);
    let mut http = Http::new(&shared.authority);
    let account = Account::sign_in(&mut http, username, password).await?;
    let token = Some(account.token.as_str());
    let list = http.patient(Method::GET, "/v1/conversations", token, None).await?;
    let largest = list["items"].as_array().and_then(|items| items.iter().max_by_key(|item| item["last_seq"].as_u64()));
    let Some(largest) = largest else { bail!("{username} has no conversation") };
    let id = largest["id"].as_str().context("a conversation without id")?;
    let last = largest["last_seq"].as_u64().unwrap_or(0);
    println!("history: pages of 50 up to seq {last}, seed {}", target.seed);
    let mut random = StdRng::seed_from_u64(target.seed);
    let mut latencies: Histogram<u64> = Histogram::new(3)?;
    let start = Start::now(&shared, target.server());
    let (begin, mut rows) = (Instant::now(), 0);
    while begin.elapsed() < target.duration() && !stop.is_cancelled() {
        let before = random.random_range(1..=last + 1);
        let path = format!("/v1/conversations/{id}/messages?before={before}&limit=50");
        let asked = Instant::now();
        let page = http.call(Method::GET, &path, token, None).await?;
        latencies.record(micros(asked.elapsed()))?;
        rows += page["items"].as_array().map_or(0, Vec::len);
    }
    let end = Start::now(&shared, target.server());
    let mut report = Report::new("history", &shared, &start, &end);
    let latency = Latency::of(&latencies);
    #[allow(clippy::cast_precision_loss)] // counts are far below 2^53
    for (name, value) in [
        ("page p50 ms", latency.p50),
        ("page p99 ms", latency.p99),
        ("page max ms", latency.max),
        ("pages", latencies.len() as f64),
        ("rows", rows as f64),
    ] {
        report.figures.insert(name.into(), value);
    }
    Ok(report)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}
