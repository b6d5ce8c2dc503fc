use tokio_util::sync::CancellationToken;

use super::Target;
use super::crowd::Crowd;
use super::open::pause;
use crate::report::{Report, Start};

/// Opens connections that do nothing but answer pings: what one costs in memory.
pub async fn idle(
    target: &Target,
    connections: usize,
    per_person: usize,
    stop: &CancellationToken,
) -> anyhow::Result<Report> {
    let mut crowd = Crowd::gather(target, connections.div_ceil(per_person.max(1))).await?;
    for pair in 0..crowd.people.len() / 2 {
        crowd.room(vec![pair * 2, pair * 2 + 1], true).await?;
    }
    println!("idle: {connections} connections of {} people", crowd.people.len());
    let before = target.server();
    crowd.connect(per_person.max(1), false).await?;
    pause(target.warmup(), stop).await;
    let start = Start::now(&crowd.shared, target.server());
    pause(target.duration(), stop).await;
    let end = Start::now(&crowd.shared, target.server());
    let count = crowd.seats.len();
    let connected = crowd.shared.stats.connected.load(std::sync::atomic::Ordering::Relaxed);
    let mut report = crowd.finish("idle", target, &start, &end).await?;
    #[allow(clippy::cast_precision_loss)] // bytes and counts are far below 2^53
    if let (Some(before), Some(after)) = (before, end.server) {
        let grown = after.resident_bytes.saturating_sub(before.resident_bytes) as f64;
        report.figures.insert("resident bytes per connection".into(), grown / count as f64);
        report.figures.insert("server resident MiB before".into(), (before.resident_bytes >> 20) as f64);
        report.figures.insert("connections open at the end".into(), connected as f64);
    }
    Ok(report)
}
