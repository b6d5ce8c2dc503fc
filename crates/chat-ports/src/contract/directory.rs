use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{NodeId, UserId};
use chat_wire::PresenceState;
use uuid::Uuid;

use super::given::{at, user};
use super::store_accounts::signed_up;
use crate::{ChatStore, ConnectionId, Directory, Lease, PresenceReading, Quota, RateDecision, Renewal};

/// A directory, and the store in which its users have their accounts.
#[async_trait]
pub trait DirectoryFixture: Send + Sync {
    fn directory(&self) -> Arc<dyn Directory>;
    fn store(&self) -> Arc<dyn ChatStore>;
}

fn node() -> NodeId {
    format!("n-{}", Uuid::new_v4().simple()).parse().expect("a node id")
}

fn lease(user: UserId, node: &NodeId) -> Lease {
    Lease { user, node: node.clone(), connection: ConnectionId(Uuid::new_v4()), away: false }
}

async fn state(directory: &Arc<dyn Directory>, who: UserId) -> PresenceState {
    let readings = directory.presence(&[who]).await.expect("presence");
    assert_eq!((readings.len(), readings[0].user), (1, who));
    readings[0].state
}

pub async fn presence_follows_connections(fixture: impl DirectoryFixture) {
    let (directory, node, who) = (fixture.directory(), node(), user());
    let (phone, laptop) = (lease(who, &node), lease(who, &node));
    assert_eq!(state(&directory, who).await, PresenceState::Offline);
    directory.enter(phone.clone()).await.expect("enter");
    directory.enter(laptop.clone()).await.expect("enter");
    assert_eq!(state(&directory, who).await, PresenceState::Online);
    directory.renew(&node).await.expect("renew");
    directory.leave(phone, at(1)).await.expect("leave");
    assert_eq!(state(&directory, who).await, PresenceState::Online, "the laptop is still there");
    directory.leave(laptop, at(2)).await.expect("leave");
    assert_eq!(state(&directory, who).await, PresenceState::Offline);
}

pub async fn away_counts_when_all_are(fixture: impl DirectoryFixture) {
    let (directory, node, who) = (fixture.directory(), node(), user());
    let (phone, laptop) = (lease(who, &node), lease(who, &node));
    directory.enter(phone.clone()).await.expect("enter");
    directory.enter(laptop.clone()).await.expect("enter");
    directory.update(Lease { away: true, ..phone.clone() }).await.expect("update");
    assert_eq!(state(&directory, who).await, PresenceState::Online);
    directory.update(Lease { away: true, ..laptop.clone() }).await.expect("update");
    assert_eq!(state(&directory, who).await, PresenceState::Away);
    directory.update(phone).await.expect("update");
    assert_eq!(state(&directory, who).await, PresenceState::Online);
}

pub async fn only_changes_are_told(fixture: impl DirectoryFixture) {
    let (directory, node, who) = (fixture.directory(), node(), user());
    let (phone, laptop) = (lease(who, &node), lease(who, &node));
    let told = |change: Option<crate::PresenceChange>| change.map(|change| (change.reading.user, change.reading.state));
    let is = |state| Some((who, state));
    assert_eq!(told(directory.enter(phone.clone()).await.expect("enter")), is(PresenceState::Online));
    assert_eq!(told(directory.enter(laptop.clone()).await.expect("enter")), None);
    let away = Lease { away: true, ..laptop.clone() };
    assert_eq!(told(directory.update(away).await.expect("update")), None);
    assert_eq!(told(directory.leave(phone, at(1)).await.expect("leave")), is(PresenceState::Away));
    assert_eq!(told(directory.leave(laptop, at(2)).await.expect("leave")), is(PresenceState::Offline));
}

pub async fn entering_again_is_the_same_connection(fixture: impl DirectoryFixture) {
    let (directory, node, who) = (fixture.directory(), node(), user());
    let phone = lease(who, &node);
    directory.enter(phone.clone()).await.expect("enter");
    assert_eq!(directory.enter(phone.clone()).await.expect("enter"), None);
    assert_eq!(directory.whereabouts(who).await.expect("whereabouts").1, 1);
    directory.leave(phone, at(1)).await.expect("leave");
    assert_eq!(state(&directory, who).await, PresenceState::Offline);
}

pub async fn leaving_again_changes_nothing(fixture: impl DirectoryFixture) {
    let (directory, node, who) = (fixture.directory(), node(), user());
    let (phone, laptop) = (lease(who, &node), lease(who, &node));
    directory.enter(phone.clone()).await.expect("enter");
    directory.enter(laptop).await.expect("enter");
    directory.leave(phone.clone(), at(1)).await.expect("leave");
    assert_eq!(directory.leave(phone.clone(), at(2)).await.expect("leave"), None);
    assert_eq!(directory.update(phone).await.expect("update"), None, "a late update does not bring it back");
    assert_eq!(directory.whereabouts(who).await.expect("whereabouts").1, 1);
}

pub async fn last_seen_is_kept(fixture: impl DirectoryFixture) {
    let (directory, node) = (fixture.directory(), node());
    let who = signed_up(&fixture.store()).await;
    let reading = async || directory.presence(&[who]).await.expect("presence").remove(0);
    let offline = |last_seen| PresenceReading { user: who, state: PresenceState::Offline, last_seen };
    assert_eq!(reading().await, offline(None), "never seen");
    let phone = lease(who, &node);
    directory.enter(phone.clone()).await.expect("enter");
    assert_eq!(reading().await.last_seen, None, "here now");
    let change = directory.leave(phone, at(77)).await.expect("leave").expect("a change");
    assert_eq!(change.reading, offline(Some(at(77))));
    assert_eq!(reading().await, offline(Some(at(77))));
    assert_eq!(fixture.store().user(who).await.expect("user").expect("there").last_seen, Some(at(77)));
}

pub async fn whereabouts(fixture: impl DirectoryFixture) {
    let (directory, a, b, who) = (fixture.directory(), node(), node(), user());
    assert_eq!(directory.whereabouts(who).await.expect("whereabouts"), (vec![], 0));
    for node in [&a, &b, &a] {
        directory.enter(lease(who, node)).await.expect("enter");
    }
    let (mut nodes, connections) = directory.whereabouts(who).await.expect("whereabouts");
    nodes.sort();
    let mut both = vec![a, b];
    both.sort();
    assert_eq!((nodes, connections), (both, 3));
}

pub async fn watchers_are_told(fixture: impl DirectoryFixture) {
    let (directory, here, there, who) = (fixture.directory(), node(), node(), user());
    let other = user();
    directory.watch(&there, &[who, other], &[]).await.expect("watch");
    directory.watch(&there, &[who], &[]).await.expect("watch again");
    let phone = lease(who, &here);
    let change = directory.enter(phone.clone()).await.expect("enter").expect("a change");
    assert_eq!(change.watching, std::slice::from_ref(&there));
    directory.watch(&there, &[], &[who]).await.expect("watch");
    let change = directory.leave(phone, at(1)).await.expect("leave").expect("a change");
    assert_eq!(change.watching, []);
    let change = directory.enter(lease(other, &here)).await.expect("enter").expect("a change");
    assert_eq!(change.watching, [there], "the other is still watched");
}

fn key() -> String {
    format!("test:{}", Uuid::new_v4())
}

pub async fn a_quota_bursts_then_flows(fixture: impl DirectoryFixture) {
    let (directory, key) = (fixture.directory(), key());
    let quota = Quota { count: 10, per_ms: 1_000 };
    let start = 1_700_000_000_000;
    let take = async |millis| directory.take(&key, quota, at(start + millis)).await.expect("take");
    for n in 0..10 {
        assert_eq!(take(0).await, RateDecision::Allowed, "{n}");
    }
    let RateDecision::Wait { retry_after_ms } = take(0).await else { panic!("the burst is over") };
    assert!((1..=100).contains(&retry_after_ms), "{retry_after_ms}");
    let wait = i64::try_from(retry_after_ms).expect("small");
    assert_eq!(take(wait).await, RateDecision::Allowed, "after the time it told");
    assert!(matches!(take(wait).await, RateDecision::Wait { .. }), "waiting does not earn more than one");
    for n in 0..10 {
        assert_eq!(take(60_000).await, RateDecision::Allowed, "{n}");
    }
    assert!(matches!(take(60_000).await, RateDecision::Wait { .. }), "a long pause earns one burst");
}

pub async fn quotas_are_apart(fixture: impl DirectoryFixture) {
    let (directory, now) = (fixture.directory(), at(1_700_000_000_000));
    let quota = Quota { count: 1, per_ms: 60_000 };
    for key in [key(), key()] {
        assert_eq!(directory.take(&key, quota, now).await.expect("take"), RateDecision::Allowed);
        assert!(matches!(directory.take(&key, quota, now).await.expect("take"), RateDecision::Wait { .. }));
    }
}

pub async fn a_node_is_forgotten_once(fixture: impl DirectoryFixture) {
    let (directory, here) = (fixture.directory(), node());
    assert_eq!(directory.renew(&here).await.expect("renew"), Renewal::Forgotten, "new");
    assert_eq!(directory.renew(&here).await.expect("renew"), Renewal::Kept);
    let leases = directory.leases().await.expect("leases");
    assert_eq!(leases.iter().filter(|lease| lease.starts_with(here.as_str())).count(), 1, "{leases:?}");
}

pub async fn a_retired_node_takes_its_entries_along(fixture: impl DirectoryFixture) {
    let (directory, here, who) = (fixture.directory(), node(), user());
    directory.renew(&here).await.expect("renew");
    directory.enter(lease(who, &here)).await.expect("enter");
    directory.retire(&here).await.expect("retire");
    assert_eq!(directory.whereabouts(who).await.expect("whereabouts"), (vec![], 0));
    assert_eq!(state(&directory, who).await, PresenceState::Offline);
    let leases = directory.leases().await.expect("leases");
    assert!(!leases.iter().any(|lease| lease.starts_with(here.as_str())), "{leases:?}");
    assert_eq!(directory.renew(&here).await.expect("renew"), Renewal::Forgotten);
}
