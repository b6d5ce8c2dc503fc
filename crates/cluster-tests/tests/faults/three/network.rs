//! The way between servers of one kind is cut or slow.

use std::process::Command;
use std::time::Duration;

use cluster_tests::{Course, Rig, Shape, Trial, until};
use stack::Probe;

const FIVE: Duration = Duration::from_secs(5);
/// Both directions, and what they say to each other as controllers of the cluster.
const BROKERS_1_AND_2: [&str; 4] =
    ["kafka-1-to-2", "kafka-2-to-1", "kafka-1-to-2-controller", "kafka-2-to-1-controller"];
/// What is said to a node, be it a question or an answer.
const CASSANDRA_3: [&str; 1] = ["cassandra-3-peers"];
const ALL_CASSANDRA: [&str; 3] = ["cassandra-1-peers", "cassandra-2-peers", "cassandra-3-peers"];

#[tokio::test(flavor = "multi_thread")]
async fn the_ways_between_servers_are_cut_and_slow() {
    let rig = Rig::start(Shape::Three);
    let faults = async |course: &Course| {
        course.fault("5 s cut: broker – broker, of three", rig.cut(&BROKERS_1_AND_2, FIVE)).await;
        course.fault("200 ms more: broker – broker, of three", rig.slow(&BROKERS_1_AND_2, FIVE)).await;
        rig.written().await;
        for (cut, names) in [
            ("5 s cut: Cassandra node – the others, of three", &CASSANDRA_3[..]),
            ("5 s cut: between three Cassandra nodes", &ALL_CASSANDRA),
        ] {
            let cutting = async {
                let ((), ()) = tokio::join!(rig.cut(names, FIVE), not_all_answer(&rig));
            };
            course.fault(cut, cutting).await;
            rig.written().await;
        }
        course.fault("200 ms more: between three Cassandra nodes", rig.slow(&ALL_CASSANDRA, FIVE)).await;
        rig.written().await;
    };
    Trial::new("ways between servers").after(1).run_each(&rig, faults).await;
    until("the writers to have all", async || (rig.lag().await? == 0).then_some(())).await;
}

/// A question to which all three have an answer gets none.
async fn not_all_answer(rig: &Rig) {
    let all = Probe::Cassandra { address: rig.ports().cassandra(1), replicas: 3 };
    until("a Cassandra node to be missed", async || tokio::task::block_in_place(|| all.check()).err()).await;
}

/// With no replica the primary refuses writes after some seconds, as it should: it might not be the primary any more.
#[tokio::test(flavor = "multi_thread")]
async fn the_way_between_redis_and_its_replicas_is_cut_and_slow() {
    let rig = Rig::start(Shape::Three);
    let replication = Replication::through_a_proxy(&rig).await;
    let faults = async |course: &Course| {
        let way = [replication.way.as_str()];
        let cutting = async {
            let ((), ()) = tokio::join!(rig.cut(&way, FIVE), replication.alone());
        };
        course.fault("5 s cut: Redis primary – replicas", cutting).await;
        course.fault("200 ms more: Redis primary – replicas", rig.slow(&way, FIVE)).await;
    };
    Trial::new("ways between Redis servers").after(1).run_each(&rig, faults).await;
    replication.as_before(&rig).await;
}

/// The primary and its replicas, by their ports, and the proxy between them.
struct Replication {
    way: String,
    primary: u16,
    replicas: Vec<u16>,
}

impl Replication {
    /// Sentinels would send replicas back to the primary's own address: not within the failover timeout.
    async fn through_a_proxy(rig: &Rig) -> Self {
        let port = |n| rig.ports().redis(n).port();
        let is_primary = |n: &u16| redis(port(*n), &["ROLE"]).starts_with("master");
        let (primaries, replicas): (Vec<u16>, Vec<u16>) = (1..=3).partition(is_primary);
        let [primary] = primaries[..] else { panic!("one primary of {primaries:?}, {replicas:?}") };
        let way = format!("redis-{primary}-replicas");
        let replication = Self { way, primary: port(primary), replicas: replicas.into_iter().map(port).collect() };
        replication.failover_timeout(rig, "600000");
        replication.follow(rig.ports().redis_proxy(primary).port()).await;
        replication
    }

    /// The primary misses both.
    async fn alone(&self) {
        until("the primary to be alone", async || {
            redis(self.primary, &["INFO", "replication"]).contains("min_slaves_good_slaves:0").then_some(())
        })
        .await;
    }

    async fn as_before(&self, rig: &Rig) {
        self.follow(self.primary).await;
        self.failover_timeout(rig, "5000");
    }

    /// Has the replicas follow what is at that port, one after another: one is enough for the primary.
    async fn follow(&self, port: u16) {
        for replica in &self.replicas {
            redis(*replica, &["REPLICAOF", "127.0.0.1", &port.to_string()]);
            until("the replica to be there", async || {
                let info = redis(*replica, &["INFO", "replication"]);
                let there = info.contains("master_link_status:up") && info.contains(&format!("master_port:{port}"));
                there.then_some(())
            })
            .await;
        }
    }

    fn failover_timeout(&self, rig: &Rig, milliseconds: &str) {
        for n in 1..=3 {
            let port = rig.ports().sentinel(n).port();
            assert_eq!(redis(port, &["SENTINEL", "SET", "main", "failover-timeout", milliseconds]).trim(), "OK");
        }
    }
}

fn redis(port: u16, words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &port.to_string()]).args(words).output().expect("redis-cli");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
