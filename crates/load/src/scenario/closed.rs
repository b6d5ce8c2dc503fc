use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Target;
use super::crowd::Crowd;
use super::open::pause;
use crate::client::Command;
use crate::report::{Report, Start};

const LAST_ACKS: Duration = Duration::from_secs(10);

/// Every connection sends, waits for its ack, and sends again: how much the log can take.
pub async fn sends(target: &Target, connections: usize, stop: &CancellationToken) -> anyhow::Result<Report> {
    let pairs = (connections / 2).max(1);
    let mut crowd = Crowd::gather(target, pairs * 2).await?;
    for pair in 0..pairs {
        crowd.room(vec![pair * 2, pair * 2 + 1], true).await?;
    }
    crowd.connect(1, true).await?;
    println!("sends: {} connections, one send under way each", crowd.seats.len());
    let shared = Arc::clone(&crowd.shared);
    let watching = tokio::spawn(Crowd::watch(Arc::clone(&shared), target.quiet));
    let stopping = stop.child_token();
    let mut drivers = Vec::new();
    for (number, seat) in crowd.seats.iter_mut().enumerate() {
        let (commands, Some(mut acked)) = (seat.commands.clone(), seat.acked.take()) else { continue };
        let (conversation, shared, stop) = (crowd.rooms[number / 2].id, Arc::clone(&shared), stopping.clone());
        drivers.push(tokio::spawn(async move {
            while !stop.is_cancelled() {
                let send =
                    Command::Send { conversation, intended: shared.micros(), text: "how much can it take?".into() };
                if commands.send(send).await.is_err() || acked.recv().await.is_none() {
                    return;
                }
            }
        }));
    }
    pause(target.warmup(), stop).await;
    shared.warm_until.store(shared.micros(), Ordering::Relaxed);
    let start = Start::now(&shared, target.server());
    pause(target.duration(), stop).await;
    let end = Start::now(&shared, target.server());
    stopping.cancel();
    let deadline = tokio::time::Instant::now() + LAST_ACKS;
    for driver in &mut drivers {
        if tokio::time::timeout_at(deadline, &mut *driver).await.is_err() {
            driver.abort();
        }
    }
    watching.abort();
    crowd.finish("sends", target, &start, &end).await
}
