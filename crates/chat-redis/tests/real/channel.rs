//! The channels of nodes.

use std::time::Duration;

use bytes::Bytes;
use chat_core::NodeId;
use chat_ports::{LiveTail as _, PortError};
use chat_wire::NodeFrame;
use tokio::sync::mpsc::Receiver;

use crate::rig::{Rig, node, over, standalone, until, user};
use crate::server::Server;

fn frame(n: usize) -> NodeFrame {
    NodeFrame::ToUser { user: user(), frame: Bytes::from(format!("{{\"n\":{n}}}")) }
}

fn number(frame: &NodeFrame) -> usize {
    let NodeFrame::ToUser { frame, .. } = frame else { panic!("{frame:?}") };
    let text = std::str::from_utf8(frame).expect("UTF-8");
    text.trim_start_matches("{\"n\":").trim_end_matches('}').parse().expect("a number")
}

async fn next(channel: &mut Receiver<Vec<NodeFrame>>) -> Option<Vec<NodeFrame>> {
    let wait = tokio::time::timeout(Duration::from_secs(10), channel.recv());
    wait.await.expect("the hint, or the end of the channel")
}

/// Reads until the channel closes.
async fn closes(channel: &mut Receiver<Vec<NodeFrame>>, within: Duration) {
    let end = async { while channel.recv().await.is_some() {} };
    assert!(tokio::time::timeout(within, end).await.is_ok(), "the receiver is open after {within:?}");
}

async fn own() -> (Server, Rig) {
    let server = Server::start(&[]).await;
    let raw = server.raw().await;
    let rig = over(&server.url(), raw);
    (server, rig)
}

async fn works(rig: &Rig, node: &NodeId) {
    let mut channel = rig.tail.subscribe(node).await.expect("subscribe");
    rig.tail.publish(node, vec![frame(5)]).await.expect("publish");
    assert_eq!(next(&mut channel).await.expect("open").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hints_go_in_few_publishes_and_in_order() {
    const MANY: usize = 20_000;
    let ((_server, rig), there) = (own().await, node());
    let mut channel = rig.tail.subscribe(&there).await.expect("subscribe");
    let reader = tokio::spawn(async move {
        let mut got = Vec::new();
        while got.len() < MANY {
            got.extend(next(&mut channel).await.expect("open").iter().map(number));
        }
        got
    });
    for n in 0..MANY {
        rig.tail.publish(&there, vec![frame(n)]).await.expect("publish");
        if n % 100 == 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(reader.await.expect("read"), (0..MANY).collect::<Vec<_>>());
    let publishes = calls(&rig, "spublish").await;
    assert!((1..MANY / 10).contains(&publishes), "{publishes} publishes");
    assert_eq!(rig.redis.counters().hints_dropped, 0);
}

/// How often a command was called.
async fn calls(rig: &Rig, command: &str) -> usize {
    let stats: String = rig.raw.say(&["INFO", "commandstats"]).await;
    let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
    line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_hint_goes_at_once() {
    let (rig, there) = (standalone().await, node());
    let mut channel = rig.tail.subscribe(&there).await.expect("subscribe");
    for n in 0..50 {
        rig.tail.publish(&there, vec![frame(n)]).await.expect("publish");
        assert_eq!(next(&mut channel).await.expect("open").len(), 1, "nothing was there to wait for");
    }
}

#[tokio::test]
async fn a_killed_subscription_closes_its_receiver() {
    let ((_server, rig), here) = (own().await, node());
    let mut channel = rig.tail.subscribe(&here).await.expect("subscribe");
    rig.raw.say::<u32>(&["CLIENT", "KILL", "TYPE", "pubsub"]).await;
    closes(&mut channel, Duration::from_secs(1)).await;
    assert_eq!(rig.redis.counters().channels_lost, 1);
    works(&rig, &here).await;
}

#[tokio::test]
async fn killed_connections_come_back() {
    let ((_server, rig), here) = (own().await, node());
    works(&rig, &here).await;
    for _ in 0..5 {
        rig.raw.say::<u32>(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"]).await;
        until("commands work", async || rig.tail.head(crate::rig::conversation()).await.is_ok()).await;
    }
    works(&rig, &here).await;
}

#[tokio::test]
async fn a_frozen_server_closes_the_receiver() {
    let ((server, rig), here) = (own().await, node());
    let mut channel = rig.tail.subscribe(&here).await.expect("subscribe");
    server.freeze();
    closes(&mut channel, Duration::from_millis(2_500)).await;
    let error = rig.tail.subscribe(&here).await.expect_err("nobody answers");
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    server.thaw();
    until("subscribing works", async || rig.tail.subscribe(&here).await.is_ok()).await;
    works(&rig, &here).await;
}

#[tokio::test]
async fn closing_ends_everything() {
    let (rig, here) = (standalone().await, node());
    let mut channel = rig.tail.subscribe(&here).await.expect("subscribe");
    rig.redis.close().await;
    closes(&mut channel, Duration::from_secs(1)).await;
    let error = rig.tail.head(crate::rig::conversation()).await.expect_err("closed");
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert!(rig.tail.check().await.is_err());
    assert!(rig.tail.subscribe(&here).await.is_err());
    rig.tail.publish(&here, vec![frame(1)]).await.expect("hints may be lost");
}

#[tokio::test]
async fn a_receiver_that_is_dropped_gives_its_connection_back() {
    let ((_server, rig), here) = (own().await, node());
    let channel = rig.tail.subscribe(&here).await.expect("subscribe");
    let channels = async || rig.raw.say::<Vec<String>>(&["PUBSUB", "SHARDCHANNELS"]).await.len();
    assert_eq!(channels().await, 1);
    drop(channel);
    until("nobody is subscribed", async || channels().await == 0).await;
}

/// What only a newer version knows is skipped without being counted.
#[tokio::test]
async fn a_packed_hint_that_is_not_readable_is_skipped() {
    let ((_server, rig), here) = (own().await, node());
    let mut channel = rig.tail.subscribe(&here).await.expect("subscribe");
    for hint in ["[{\"t\":7}]", "[{\"t\":\"later\"}]"] {
        rig.raw.say::<u32>(&["SPUBLISH", &format!("node:{here}"), hint]).await;
    }
    rig.tail.publish(&here, vec![frame(1)]).await.expect("publish");
    assert_eq!(next(&mut channel).await.expect("open").len(), 1);
    assert_eq!(rig.redis.counters().undecodable, 1);
}
