//! Redis goes away and comes back, with nothing left.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_core::{Seq, Timestamp};
use chat_ports::{Directory as _, LiveTail as _, PortError, Quota, RateDecision, Renewal};

use crate::rig::{Rig, conversation, lease, node, over, until_within, user};
use crate::server::{BOUNDED, Server};

async fn own() -> (Server, Rig) {
    let server = Server::start(&[]).await;
    let raw = server.raw().await;
    let rig = over(&server.url(), raw);
    (server, rig)
}

fn is_unavailable<T: std::fmt::Debug>(answer: Result<T, PortError>, port: u16) {
    let error = answer.expect_err("nobody answers");
    let PortError::Unavailable { backend: "Redis", detail } = &error else { panic!("{error}") };
    assert!(detail.contains(&port.to_string()), "it tells the address: {detail}");
}

#[tokio::test]
async fn it_can_be_made_while_redis_is_down_and_works_once_it_is_up() {
    let mut server = Server::start(&[]).await;
    let raw = server.raw().await;
    server.kill();
    let rig = over(&server.url(), raw);
    is_unavailable(rig.tail.check().await, server.port);
    let began = Instant::now();
    for _ in 0..1_000 {
        is_unavailable(rig.tail.head(conversation()).await, server.port);
    }
    assert!(began.elapsed() < BOUNDED, "a server known to be down is not waited for: {:?}", began.elapsed());
    server.start_again().await;
    until_within(Duration::from_secs(1), "it is used again", async || rig.tail.check().await.is_ok()).await;
}

#[tokio::test]
async fn a_kill_loses_everything_but_what_was_acknowledged() {
    let ((mut server, rig), here, who, conv) = (own().await, node(), user(), conversation());
    let phone = lease(who, &here);
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Kept);
    rig.directory.enter(phone.clone()).await.expect("enter");
    let before = rig.tail.append(conv, Seq::new(1), Bytes::from_static(b"{}")).await.expect("append");
    let mut channel = rig.tail.subscribe(&here).await.expect("subscribe");

    server.kill();
    let closed = tokio::time::timeout(Duration::from_secs(1), channel.recv()).await;
    assert_eq!(closed.expect("closed at once"), None);
    is_unavailable(rig.directory.renew(&here).await, server.port);
    is_unavailable(rig.tail.append(conv, Seq::new(2), Bytes::from_static(b"{}")).await, server.port);
    is_unavailable(rig.tail.subscribe(&here).await, server.port);
    rig.tail.publish(&here, vec![]).await.expect("publishing does not wait");

    server.start_again().await;
    until_within(Duration::from_secs(1), "it is used again", async || rig.tail.check().await.is_ok()).await;
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
    let after = rig.tail.append(conv, Seq::new(2), Bytes::from_static(b"{}")).await.expect("append");
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.rev.get(), 1);
    assert_eq!(rig.directory.whereabouts(who).await.expect("whereabouts"), (vec![], 0));
    let change = rig.directory.enter(phone).await.expect("enter");
    assert!(change.is_some(), "online again");
    rig.tail.subscribe(&here).await.expect("subscribe");
}

#[tokio::test]
async fn a_flush_is_noticed_by_the_next_renewal() {
    let ((_server, rig), here) = (own().await, node());
    rig.directory.renew(&here).await.expect("renew");
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Kept);
    rig.raw.say::<()>(&["FLUSHALL"]).await;
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Kept);
    rig.raw.say::<()>(&["FLUSHALL"]).await;
    rig.directory.enter(lease(user(), &here)).await.expect("enter");
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten, "an entry is no renewal");
}

#[tokio::test]
async fn a_swallowed_network_ends_at_the_deadline() {
    let ((server, rig), conv) = (own().await, conversation());
    rig.tail.head(conv).await.expect("head");
    server.freeze();
    let calls = (0..50).map(|_| async {
        let began = Instant::now();
        is_unavailable(rig.tail.head(conversation()).await, server.port);
        began.elapsed()
    });
    let longest = futures_util::future::join_all(calls).await.into_iter().max().expect("some");
    assert!(longest < BOUNDED, "{longest:?}");
    let began = Instant::now();
    is_unavailable(rig.tail.check().await, server.port);
    is_unavailable(rig.directory.presence(&[user()]).await, server.port);
    assert!(began.elapsed() < 2 * BOUNDED, "{:?}", began.elapsed());
    server.thaw();
    until_within(Duration::from_secs(2), "it is used again", async || rig.tail.head(conv).await.is_ok()).await;
}

#[tokio::test]
async fn quotas_hold_without_redis() {
    let ((mut server, rig), key) = (own().await, format!("test:{}", node()));
    let (quota, now) = (Quota { count: 3, per_ms: 60_000 }, Timestamp::from_millis(1_700_000_000_000));
    assert_eq!(rig.directory.take(&key, quota, now).await.expect("take"), RateDecision::Allowed);
    server.kill();
    let mut allowed = 0;
    for _ in 0..10 {
        let decision = rig.directory.take(&key, quota, now).await.expect("decided here");
        allowed += u32::from(decision == RateDecision::Allowed);
    }
    assert_eq!(allowed, 3);
    assert_eq!(rig.redis.counters().rates_local, 10);
}

#[tokio::test]
async fn a_stopped_store_does_not_stop_claims() {
    let ((_server, rig), conv, who) = (own().await, conversation(), user());
    let folder = tempfile::tempdir().expect("a folder");
    let clock = std::sync::Arc::new(chat_ports::contract::ManualClock::default());
    let other = chat_embedded::Embedded::open(folder.path(), clock).expect("opens");
    let tail = chat_redis::RedisTail::new(rig.redis.clone(), std::sync::Arc::clone(&other.store) as _);
    other.shutdown().await;
    let id = chat_core::ClientMsgId::new(uuid::Uuid::new_v4());
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), chat_ports::Claim::Granted);
}
