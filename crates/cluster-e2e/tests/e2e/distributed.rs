//! One ChatCluster on servers outside of Kubernetes, which each test brings to where it begins.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use cluster_e2e::{Space, Swarm, Talk, distributed, strain, until};
use serde_json::json;

/// From the beginning of a spike until there is another pod.
const NOTICES: Duration = Duration::from_secs(5);
pub const MIN: usize = 2;

pub async fn begin() -> Space {
    let space = Space::open("e2e-distributed", "talk").await;
    for object in distributed("talk") {
        space.apply(&object).await;
    }
    space.ready().await;
    until("as few gateways as may be", async || {
        let all = space.gateways().await.len();
        (all == MIN && space.serving().await == MIN).then_some(())
    })
    .await;
    space.answers().await;
    space
}

#[tokio::test(flavor = "multi_thread")]
async fn people_chat_through_the_service() {
    let space = begin().await;
    let talk = Talk::begin("through the Service", &space.authority().await, 5, 4, 50.0).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    talk.end_unnoticed().await;
}

/// Ten times the connections within 30 s: gateways come before they are missing, and go when they are not needed, and nobody
/// notices either.
#[tokio::test(flavor = "multi_thread")]
async fn a_spike_grows_it_and_its_end_shrinks_it() {
    let space = begin().await;
    let authority = space.authority().await;
    let talk = Talk::begin("spike", &authority, 5, 4, 20.0).await;
    let mut swarm = Swarm::new(&authority).await;
    swarm.grow(10, Duration::from_secs(1)).await;
    let at = Instant::now();
    let growing = async {
        swarm.grow(270, Duration::from_secs(30)).await;
        at.elapsed()
    };
    let noticing = until("another gateway", async || (space.gateways().await.len() > MIN).then(|| at.elapsed()));
    let (grown, noticed) = tokio::join!(growing, noticing);
    println!("spike: the first new pod after {noticed:.1?}, 300 connections after {grown:.1?}");
    // 300 connections at 40 each.
    let enough = until("enough gateways", async || (space.serving().await >= 7).then(|| at.elapsed())).await;
    println!("spike: seven gateways serve after {enough:.1?}");
    space.show(&["get", "chatcluster", "-o", "wide"]);
    space.show(&["describe", "chatcluster", &space.chat]);
    assert_eq!((swarm.connected(), talk.connected()), (280, 20));
    assert!(noticed < NOTICES.mul_f64(strain()), "{noticed:?} until there was another gateway");
    assert!(swarm.errors().is_empty() && swarm.reconnects() == 0, "nobody was cut: {:?}", swarm.errors());
    swarm.leave().await;
    let at = Instant::now();
    until("a gateway that drains", async || {
        let draining = space.chat().await["status"]["gateways"]["draining"].as_u64()?;
        (draining > 0).then_some(())
    })
    .await;
    space.show(&["get", "chatcluster", "-o", "wide"]);
    until("the way back", async || (space.gateways().await.len() == MIN).then_some(())).await;
    println!("spike: {MIN} gateways {:.1?} after the load was gone", at.elapsed());
    talk.end_unnoticed().await;
}

/// As `kubectl drain` does it: one goes, the next has to wait until there is another one.
#[tokio::test(flavor = "multi_thread")]
async fn evictions_respect_the_budget() {
    let space = begin().await;
    let talk = Talk::begin("eviction", &space.authority().await, 5, 4, 20.0).await;
    let names = names(&space).await;
    let names: Vec<&String> = names.iter().collect();
    space.evict(names[0]).await.expect("the first may go");
    assert_eq!(space.evict(names[1]).await, Err(429), "the second is held");
    until("the other eviction to be allowed", async || space.evict(names[1]).await.ok()).await;
    until("two others", async || {
        let now = self::names(&space).await;
        (space.serving().await == MIN && names.iter().all(|name| !now.contains(*name))).then_some(())
    })
    .await;
    talk.end_unnoticed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_update_is_not_noticed() {
    let space = begin().await;
    let talk = Talk::begin("rolling update", &space.authority().await, 5, 4, 50.0).await;
    let before = names(&space).await;
    let stamp = uuid::Uuid::new_v4().to_string();
    space.change(&json!({"gateways": {"pod": {"annotations": {"example.com/rolled": stamp}}}})).await;
    until("other pods", async || {
        let now = names(&space).await;
        (space.serving().await >= MIN && now.is_disjoint(&before)).then_some(())
    })
    .await;
    space.ready().await;
    talk.end_unnoticed().await;
}

async fn names(space: &Space) -> BTreeSet<String> {
    space.gateways().await.into_iter().filter_map(|pod| pod.metadata.name).collect()
}
