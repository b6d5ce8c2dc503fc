use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use tokio_util::sync::CancellationToken;

use super::Target;
use super::crowd::Crowd;
use crate::client::Command;
use crate::report::{Report, Start};

/// Who sends, and how much.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Messages a second, all together.
    pub rate: f64,
    /// Characters of each.
    pub text: usize,
    /// Only the owner of a room speaks.
    pub owner_only: bool,
    pub storm: Option<Storm>,
    /// Ends the run before its time.
    pub stop: CancellationToken,
}

/// Everybody drops their connection at once, again and again.
#[derive(Debug, Clone)]
pub struct Storm {
    pub every: Duration,
}

/// Sends at times that were fixed beforehand, however the server fares.
pub async fn open_loop(name: &str, target: &Target, crowd: Crowd, plan: &Plan) -> anyhow::Result<Report> {
    println!(
        "{name}: {} connections, {} rooms, {} messages/s, seed {}",
        crowd.seats.len(),
        crowd.rooms.len(),
        plan.rate,
        target.seed
    );
    let shared = Arc::clone(&crowd.shared);
    let watching = tokio::spawn(Crowd::watch(Arc::clone(&shared), target.quiet));
    let begin = shared.micros();
    let warm = begin + u64::try_from(target.warmup().as_micros()).unwrap_or(0);
    let stop = warm + u64::try_from(target.duration().as_micros()).unwrap_or(0);
    shared.warm_until.store(warm, Ordering::Relaxed);
    let mut random = StdRng::seed_from_u64(target.seed);
    let (mut sent, mut start, mut next_storm) =
        (0u64, None, plan.storm.as_ref().map(|storm| warm + micros(storm.every)));
    let text = "x".repeat(plan.text);
    loop {
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // positive, below 2^53
        let intended = begin + (sent as f64 * 1e6 / plan.rate) as u64;
        if intended >= stop || plan.stop.is_cancelled() {
            break;
        }
        let now = shared.micros();
        if intended > now && !pause(Duration::from_micros(intended - now), &plan.stop).await {
            break;
        }
        if start.is_none() && intended >= warm {
            start = Some(Start::now(&shared, target.server()));
        }
        if let (Some(at), Some(storm)) = (next_storm, &plan.storm)
            && shared.micros() >= at
        {
            for seat in &crowd.seats {
                let _ = seat.commands.try_send(Command::Drop);
            }
            next_storm = Some(at + micros(storm.every));
        }
        let room = &crowd.rooms[random.random_range(0..crowd.rooms.len())];
        let speaker = if plan.owner_only { 0 } else { random.random_range(0..room.members.len()) };
        let seat = &crowd.seats[room.members[speaker] * (crowd.seats.len() / crowd.people.len())];
        // A full channel holds the schedule up; the latency counts from the intended time all the same. A server that is
        // gone does not hold it up for ever.
        let send = seat.commands.send(Command::Send { conversation: room.id, intended, text: text.clone() });
        let left = Duration::from_micros(stop.saturating_sub(shared.micros()));
        tokio::select! {
            _ = send => sent += 1,
            () = plan.stop.cancelled() => break,
            () = tokio::time::sleep(left) => break,
        }
    }
    let rest = Duration::from_micros(stop.saturating_sub(shared.micros()));
    pause(rest, &plan.stop).await;
    let end = Start::now(&shared, target.server());
    watching.abort();
    let start = start.unwrap_or(end);
    crowd.finish(name, target, &start, &end).await
}

/// Waits that long. False when the run is to end before.
pub async fn pause(duration: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = tokio::time::sleep(duration) => true,
        () = stop.cancelled() => false,
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
