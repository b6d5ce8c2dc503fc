use std::time::{Duration, Instant};

use cluster_e2e::{Talk, until};
use serde_json::json;

use crate::distributed::{MIN, begin};

/// From the leader's deletion until another one has acted.
const TAKES_OVER: Duration = Duration::from_secs(20);

/// The one that leads is taken away, and there is something to do: another one does it, and whoever chats does not notice.
#[tokio::test(flavor = "multi_thread")]
async fn another_one_takes_over() {
    let space = begin().await;
    let talk = Talk::begin("failover", &space.authority().await, 5, 4, 20.0).await;
    let leader = until("a leader", async || space.leader().await).await;
    space.delete_operator(&leader).await;
    let at = Instant::now();
    // Only then nobody can say that it was still the old one.
    until("the leader to be none", async || (space.leader().await.as_ref() != Some(&leader)).then_some(())).await;
    space.change(&json!({"gateways": {"min": MIN + 1}})).await;
    let took = until("one more gateway", async || (space.gateways().await.len() > MIN).then(|| at.elapsed())).await;
    println!("failover: another gateway {took:.1?} after the leader was deleted");
    let other = until("another leader", async || space.leader().await.filter(|name| *name != leader)).await;
    println!("failover: {other} leads instead of {leader}");
    until("it to serve", async || (space.serving().await > MIN).then_some(())).await;
    talk.end_unnoticed().await;
    assert!(took < TAKES_OVER, "it took {took:.1?}");
}
