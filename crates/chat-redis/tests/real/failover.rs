//! A primary dies and a replica takes over; slots move. With servers of the test's own.

use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use chat_core::{NodeId, Seq};
use chat_ports::{Directory as _, LiveTail as _, PortError, Renewal};
use chat_wire::NodeFrame;
use redis::Value;
use tokio::sync::mpsc::Receiver;

use crate::raw::Raw;
use crate::rig::{Rig, conversation, lease, node, over, until, until_within, user};
use crate::server::Server;

/// Detection, election and the change of roles.
const FAILOVER: Duration = Duration::from_secs(20);
/// Sentinels let a primary that came back wait for 10 s and more before they make it a replica.
const DEMOTION: Duration = Duration::from_mins(2);

fn event() -> Bytes {
    Bytes::from_static(b"{}")
}

fn hint() -> NodeFrame {
    NodeFrame::Membership { user: user(), conversation: conversation(), member: true }
}

async fn closes(channel: &mut Receiver<Vec<NodeFrame>>) {
    let end = async { while channel.recv().await.is_some() {} };
    assert!(tokio::time::timeout(Duration::from_secs(3), end).await.is_ok(), "the receiver stays open");
}

/// Subscribes, and gets a hint through.
async fn hears(rig: &Rig, node: &NodeId) -> Option<Receiver<Vec<NodeFrame>>> {
    let mut channel = rig.tail.subscribe(node).await.ok()?;
    rig.tail.publish(node, vec![hint()]).await.expect("publish");
    let heard = tokio::time::timeout(Duration::from_millis(500), channel.recv()).await;
    heard.ok().flatten().map(|_| channel)
}

/// A field of INFO replication; nothing while the server ends connections, as it does when its role changes.
async fn info(server: &Server, field: &str) -> String {
    let client = redis::Client::open(server.url()).expect("an address");
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return String::new() };
    let info = redis::cmd("INFO").arg("replication").query_async::<String>(&mut connection).await;
    let info = info.unwrap_or_default();
    info.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_name_the_next_primary() {
    let safe = ["--min-replicas-to-write", "1", "--min-replicas-max-lag", "3", "--repl-diskless-sync-delay", "0"];
    let mut primary = Server::start(&safe).await;
    let of = primary.port.to_string();
    let follow = ["--replicaof", "127.0.0.1", of.as_str(), "--repl-diskless-sync-delay", "0"];
    let replicas = [Server::start(&follow).await, Server::start(&follow).await];
    until("the replicas follow", async || info(&primary, "connected_slaves:").await == "2").await;
    let mut sentinels = Vec::new();
    for _ in 0..3 {
        sentinels.push(Server::sentinel(primary.port).await);
    }
    for sentinel in &sentinels {
        let raw = sentinel.raw().await;
        until_within(FAILOVER, "the sentinels know each other and the replicas", async || {
            let main: std::collections::HashMap<String, String> = raw.say(&["SENTINEL", "MASTER", "main"]).await;
            main["num-slaves"] == "2" && main["num-other-sentinels"] == "2"
        })
        .await;
    }
    let hosts: Vec<_> = sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
    let rig = over(&format!("redis+sentinel://{}/main", hosts.join(",")), primary.raw().await);
    let (here, conv) = (node(), conversation());
    rig.directory.renew(&here).await.expect("renew");
    rig.tail.append(conv, Seq::new(1), event()).await.expect("append");
    let mut channel = hears(&rig, &here).await.expect("heard");

    primary.kill();
    closes(&mut channel).await;
    until_within(FAILOVER, "appends work", async || rig.tail.append(conv, Seq::new(2), event()).await.is_ok()).await;
    until("hints arrive", async || hears(&rig, &here).await.is_some()).await;
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten, "what was last may be lost");

    // It still believes to be the primary: nothing may go there.
    let before = rig.tail.append(conv, Seq::new(3), event()).await.expect("append");
    primary.start_again().await;
    let mut last = (before.epoch, before.rev);
    let mut seq = Seq::new(100);
    until_within(DEMOTION, "the old primary follows", async || {
        seq = Seq::new(seq.get() + 1);
        let Ok(appended) = rig.tail.append(conv, seq, event()).await else { return false };
        // A second failover may come, under load. What it lost is told by a new epoch.
        assert!(appended.epoch != last.0 || appended.rev == last.1.next(), "{appended:?} after {last:?}");
        last = (appended.epoch, appended.rev);
        info(&primary, "role:").await == "slave"
    })
    .await;
    drop(replicas);
}

/// Three primaries with a replica each.
struct Cluster {
    servers: Vec<Server>,
}

impl Cluster {
    async fn start() -> Self {
        let mut servers = Vec::new();
        for _ in 0..6 {
            servers.push(Server::cluster_member().await);
        }
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]).args(servers.iter().map(|server| format!("127.0.0.1:{}", server.port)));
        let output = create.args(["--cluster-replicas", "1", "--cluster-yes"]).output().expect("redis-cli");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        for server in &servers {
            let raw = server.raw().await;
            until_within(FAILOVER, "the cluster is ready", async || {
                let info: String = raw.say(&["CLUSTER", "INFO"]).await;
                let slots: Vec<Value> = raw.say(&["CLUSTER", "SLOTS"]).await;
                let members: usize = slots.iter().map(|range| range.as_sequence().map_or(0, |r| r.len() - 2)).sum();
                info.contains("cluster_state:ok") && members == 6
            })
            .await;
        }
        Self { servers }
    }

    async fn rig(&self) -> Rig {
        let hosts: Vec<_> = self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect();
        over(&format!("redis+cluster://{}", hosts[..3].join(",")), Raw::cluster(&self.servers[3].url()).await)
    }

    async fn slot(&self, key: &str) -> u16 {
        self.servers[0].raw().await.say(&["CLUSTER", "KEYSLOT", key]).await
    }

    /// The index of the server that has a key now.
    async fn owner(&self, key: &str) -> usize {
        let slot = self.slot(key).await;
        let ranges: Vec<Value> = self.servers[5].raw().await.say(&["CLUSTER", "SLOTS"]).await;
        let port = ranges.iter().find_map(|range| {
            let parts = range.as_sequence()?;
            let number = |value: &Value| redis::from_redis_value_ref::<u16>(value).ok();
            let has = (number(&parts[0])?..=number(&parts[1])?).contains(&slot);
            has.then(|| number(&parts[2].as_sequence()?[1])).flatten()
        });
        let port = port.expect("an owner");
        self.servers.iter().position(|server| server.port == port).expect("one of ours")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_fails_over() {
    let mut cluster = Cluster::start().await;
    let rig = cluster.rig().await;
    let (here, who) = (node(), user());
    let conversations: Vec<_> = (0..60).map(|_| conversation()).collect();
    rig.directory.renew(&here).await.expect("renew");
    rig.directory.enter(lease(who, &here)).await.expect("enter");
    assert_eq!(rig.tail.positions(&conversations, &here).await.expect("positions").len(), 60);
    let mut channel = hears(&rig, &here).await.expect("heard");

    let owner = cluster.owner(&format!("node:{here}")).await;
    cluster.servers[owner].kill();
    closes(&mut channel).await;
    let mut failed = 0;
    for conv in &conversations {
        if let Err(error) = rig.tail.append(*conv, Seq::new(1), event()).await {
            assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
            failed += 1;
        }
    }
    assert!((1..60).contains(&failed), "the other shards go on: {failed} failed");
    until_within(FAILOVER, "all conversations work", async || {
        let mut works = true;
        for conv in &conversations {
            works &= rig.tail.append(*conv, Seq::new(2), event()).await.is_ok();
        }
        works
    })
    .await;
    until("hints arrive", async || hears(&rig, &here).await.is_some()).await;
    assert_eq!(rig.directory.renew(&here).await.expect("renew"), Renewal::Forgotten, "what was last may be lost");
    rig.tail.check().await.expect("check");
    cluster.servers[owner].start_again().await;
    for conv in &conversations {
        rig.tail.append(*conv, Seq::new(3), event()).await.expect("append");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_move() {
    let cluster = Cluster::start().await;
    let rig = cluster.rig().await;
    let (here, conv) = (node(), conversation());
    rig.directory.renew(&here).await.expect("renew");
    let before = rig.tail.append(conv, Seq::new(1), event()).await.expect("append");

    // All four keys exist: a script over keys of which one is missing is refused while their slot moves (TRYAGAIN).
    rig.tail.register(conv, &here).await.expect("register");
    let keys = ["head", "tail", "seqs", "nodes"].map(|part| format!("c:{{{conv}}}:{part}"));
    let moving = Move::of(&cluster, &keys[0]).await;
    moving.begin().await;
    rig.tail.append(conv, Seq::new(2), event()).await.expect("it is still where it was");
    moving.migrate(&keys).await;
    let during = rig.tail.append(conv, Seq::new(3), event()).await.expect("asked for at its new place");
    // Another server has another history, so the epoch is new; the events and their revs came along.
    assert_eq!((during.epoch != before.epoch, during.rev.get()), (true, 3));
    moving.end().await;
    let after = rig.tail.append(conv, Seq::new(4), event()).await.expect("it has moved");
    assert_eq!((after.epoch, after.rev.get()), (during.epoch, 4));
    assert_eq!(rig.tail.positions(&[conv], &here).await.expect("positions")[0].rev.get(), 4);

    let mut channel = hears(&rig, &here).await.expect("heard");
    let moving = Move::of(&cluster, &format!("node:{here}")).await;
    moving.begin().await;
    moving.end().await;
    closes(&mut channel).await;
    until("hints arrive at the new place", async || hears(&rig, &here).await.is_some()).await;
}

/// A slot on its way from one primary to another.
struct Move {
    slot: String,
    from: (Raw, String),
    to: (Raw, String, String),
}

impl Move {
    async fn of(cluster: &Cluster, key: &str) -> Self {
        let owner = cluster.owner(key).await;
        let mut primaries = Vec::new();
        for (n, server) in cluster.servers.iter().enumerate() {
            if n != owner && info(server, "role:").await == "master" {
                primaries.push(n);
            }
        }
        let id = async |n: usize| {
            let raw = cluster.servers[n].raw().await;
            let id: String = raw.say(&["CLUSTER", "MYID"]).await;
            (raw, id)
        };
        let (raw, to) = id(primaries[0]).await;
        let port = cluster.servers[primaries[0]].port.to_string();
        Self { slot: cluster.slot(key).await.to_string(), from: id(owner).await, to: (raw, to, port) }
    }

    async fn begin(&self) {
        self.to.0.say::<()>(&["CLUSTER", "SETSLOT", &self.slot, "IMPORTING", &self.from.1]).await;
        self.from.0.say::<()>(&["CLUSTER", "SETSLOT", &self.slot, "MIGRATING", &self.to.1]).await;
    }

    async fn migrate(&self, keys: &[String]) {
        let mut words = vec!["MIGRATE", "127.0.0.1", &self.to.2, "", "0", "5000", "KEYS"];
        words.extend(keys.iter().map(String::as_str));
        self.from.0.say::<()>(&words).await;
    }

    async fn end(&self) {
        for raw in [&self.to.0, &self.from.0] {
            raw.say::<()>(&["CLUSTER", "SETSLOT", &self.slot, "NODE", &self.to.1]).await;
        }
    }
}

/// The last events did not reach the replica that takes over: their revs are given again, in a new epoch.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_back_in_time_begins_a_new_epoch() {
    let mut server = Server::start(&["--save", "3600 1"]).await;
    let rig = over(&server.url(), server.raw().await);
    let conv = conversation();
    let first = rig.tail.append(conv, Seq::new(1), event()).await.expect("append");
    rig.raw.say::<()>(&["SAVE"]).await;
    let lost = rig.tail.append(conv, Seq::new(2), event()).await.expect("append");
    assert_eq!((&lost.epoch, lost.rev.get()), (&first.epoch, 2));
    server.kill();
    server.start_again().await;
    until("it is used again", async || rig.tail.check().await.is_ok()).await;
    let since = rig.tail.since(conv, &first.epoch, first.rev, 100).await.expect("since");
    assert!(matches!(since, chat_ports::Since::Gap { .. }), "{since:?}");
    let other = rig.tail.append(conv, Seq::new(3), event()).await.expect("append");
    assert_eq!((other.epoch != first.epoch, other.rev.get()), (true, 2));
    let repaired = rig.tail.repair(conv, vec![(Seq::new(2), event())], Seq::new(3)).await.expect("repair");
    assert_eq!((repaired.epoch, repaired.appended.len()), (other.epoch, 1));
}
