//! Leases of nodes, and what becomes of their entries.

use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_core::{NodeId, Seq};
use chat_ports::{Directory as _, LiveTail as _, Renewal};
use chat_wire::PresenceState;

use crate::raw::Raw;
use crate::rig::{Process, conversation, lease, node, standalone, standalone_url, until, until_within, user};

async fn state(process: &Process, who: chat_core::UserId) -> PresenceState {
    process.directory.presence(&[who]).await.expect("presence")[0].state
}

#[tokio::test]
async fn entering_first_does_not_pass_for_a_renewal() {
    let (rig, here) = (standalone().await, node());
    rig.directory.enter(lease(user(), &here)).await.expect("enter");
    rig.tail.register(conversation(), &here).await.expect("register");
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Kept);
}

#[tokio::test]
async fn a_restart_of_a_node_voids_what_it_left_at_once() {
    let (rig, here, who, conv) = (standalone().await, node(), user(), conversation());
    let url = standalone_url();
    let (old, new, third) = (rig.process(&url), rig.process(&url), rig.process(&url));
    old.directory.renew(&here).await.expect("renew");
    old.directory.enter(lease(who, &here)).await.expect("enter");
    old.directory.enter(lease(who, &here)).await.expect("enter");
    old.tail.register(conv, &here).await.expect("register");
    assert_eq!(state(&third, who).await, PresenceState::Online);
    assert_eq!(third.directory.whereabouts(who).await.expect("whereabouts").1, 2);

    assert_eq!(new.directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
    assert_eq!(state(&new, who).await, PresenceState::Offline);
    assert_eq!(new.directory.whereabouts(who).await.expect("whereabouts"), (vec![], 0));
    assert_eq!(new.tail.nodes(conv).await.expect("nodes"), []);
    until_within(Duration::from_secs(2), "others see it, too", async || {
        state(&third, who).await == PresenceState::Offline
    })
    .await;
    let change = new.directory.enter(lease(who, &here)).await.expect("enter").expect("a change");
    assert_eq!(change.reading.state, PresenceState::Online);
    assert_eq!(third.directory.whereabouts(who).await.expect("whereabouts"), (vec![here.clone()], 1));
    let leases = third.directory.leases().await.expect("leases");
    assert_eq!(leases.iter().filter(|lease| lease.starts_with(here.as_str())).count(), 1, "{leases:?}");
}

#[tokio::test]
async fn an_older_process_does_not_end_the_lease_of_its_successor() {
    let (rig, here, who) = (standalone().await, node(), user());
    let (old, new) = (rig.process(&standalone_url()), rig.process(&standalone_url()));
    old.directory.renew(&here).await.expect("renew");
    new.directory.renew(&here).await.expect("renew");
    new.directory.enter(lease(who, &here)).await.expect("enter");
    old.directory.retire(&here).await.expect("retire");
    assert_eq!(state(&new, who).await, PresenceState::Online);
    assert_eq!(new.directory.renew(&here).await.expect("renew"), Renewal::Kept);
}

/// A process that ends without a word: nobody renews its lease.
#[tokio::test]
async fn a_dead_node_is_gone_within_20_s() {
    let (rig, here, there, who, conv) = (standalone().await, node(), node(), user(), conversation());
    let (dying, other) = (rig.process(&standalone_url()), rig.process(&standalone_url()));
    dying.directory.renew(&here).await.expect("renew");
    dying.directory.enter(lease(who, &here)).await.expect("enter");
    dying.directory.watch(&here, &[who], &[]).await.expect("watch");
    dying.tail.register(conv, &here).await.expect("register");
    dying.directory.renew(&here).await.expect("renew");
    let died = Instant::now();
    dying.redis.close().await;
    drop(dying);
    other.directory.renew(&there).await.expect("renew");
    other.tail.register(conv, &there).await.expect("register");
    let mut nodes = other.tail.append(conv, Seq::new(1), Bytes::from_static(b"{}")).await.expect("append").nodes;
    nodes.sort();
    let mut both = vec![here.clone(), there.clone()];
    both.sort();
    assert_eq!(nodes, both);
    until_within(Duration::from_secs(20), "offline", async || {
        other.directory.renew(&there).await.expect("renew");
        state(&other, who).await == PresenceState::Offline
    })
    .await;
    assert!(died.elapsed() > Duration::from_secs(14), "{:?}", died.elapsed());
    let appended = other.tail.append(conv, Seq::new(2), Bytes::from_static(b"{}")).await.expect("append");
    assert_eq!(appended.nodes, std::slice::from_ref(&there));
    let left: Vec<String> = rig.raw.say(&["SMEMBERS", &format!("c:{{{conv}}}:nodes")]).await;
    assert_eq!(left.len(), 1, "the dead one was removed by who met it: {left:?}");
    let sessions: u64 = rig.raw.say(&["HLEN", &format!("u:{{{who}}}:sessions")]).await;
    assert_eq!(sessions, 0);
    let change = other.directory.enter(lease(who, &there)).await.expect("enter").expect("a change");
    assert_eq!(change.watching, []);
}

/// The lease went, though the process lives (it was cut off): what it had made is void, and can be made again.
#[tokio::test]
async fn a_node_that_was_forgotten_makes_its_entries_anew() {
    let (rig, here, who, conv) = (standalone().await, node(), user(), conversation());
    let (url, phone) = (standalone_url(), lease(who, &here));
    let (own, other) = (rig.process(&url), rig.process(&url));
    own.directory.renew(&here).await.expect("renew");
    own.directory.enter(phone.clone()).await.expect("enter");
    own.tail.register(conv, &here).await.expect("register");
    assert_eq!(state(&other, who).await, PresenceState::Online);
    forget(&rig.raw, &here).await;
    until("offline", async || state(&other, who).await == PresenceState::Offline).await;
    assert_eq!(own.directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
    assert_eq!(own.directory.renew(&here).await.expect("renew"), Renewal::Kept);
    own.directory.enter(phone).await.expect("enter");
    let heads = own.tail.positions(&[conv], &here).await.expect("positions");
    assert_eq!(heads.len(), 1);
    assert_eq!(state(&other, who).await, PresenceState::Online, "seen at once: nobody waits for a cache");
    assert_eq!(other.directory.whereabouts(who).await.expect("whereabouts"), (vec![here.clone()], 1));
    assert_eq!(other.tail.nodes(conv).await.expect("nodes"), [here]);
}

/// Lets the lease of a node lapse now.
async fn forget(raw: &Raw, node: &NodeId) {
    let members: Vec<String> = raw.say(&["ZRANGE", "{nodes}:leases", "0", "-1"]).await;
    let member = members.iter().find(|member| member.starts_with(node.as_str())).expect("a lease");
    raw.say::<()>(&["ZADD", "{nodes}:leases", "1", member]).await;
}
