//! The stack's own part in fault tests: three brokers of which one is killed, and a way that is broken.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use stack::{Options, Probe, Proxies, Redis, Stack};

/// In the folder that `./dev test` names, so that logs of a failure stay; else in one that goes away.
fn folder(name: &str) -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(folder) = std::env::var_os("ELASTIC_CHAT_FAULTS_DIR") {
        return (PathBuf::from(folder).join(name), None);
    }
    let folder = tempfile::tempdir().expect("a folder");
    (folder.path().join(name), Some(folder))
}

fn within(patience: Duration, probe: &Probe) {
    let begin = Instant::now();
    while let Err(refusal) = probe.check() {
        assert!(begin.elapsed() < patience, "{refusal:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_killed_broker_of_three_leaves_two_and_comes_back() {
    let (folder, _gone_afterwards) = folder("three-brokers");
    let options = Options { brokers: 3, ..Options::default() }.at_free_ports(12_000).expect("free ports");
    let stack = Stack::open(folder).expect("opens");
    stack.up(&options).expect("three brokers");
    let others_of_three = Probe::Kafka { address: options.ports().kafka(1), brokers: 3 };
    stack.kill("kafka-2").expect("is killed");
    // The others notice when its session ends.
    let begin = Instant::now();
    while others_of_three.check().is_ok() {
        assert!(begin.elapsed() < Duration::from_secs(30), "kafka-1 still lists a broker that was killed");
        std::thread::sleep(Duration::from_millis(20));
    }
    Probe::Kafka { address: options.ports().kafka(1), brokers: 2 }.check().expect("two are listed");
    stack.start(&["kafka-2"]).expect("comes back");
    within(Duration::from_secs(10), &others_of_three);
    stack.wipe().expect("is wiped");
}

#[test]
fn a_way_is_cut_slowed_and_healed() {
    let (folder, _gone_afterwards) = folder("proxies");
    let wanted = Options { redis: Redis::Standalone, toxiproxy: true, ..Options::default() };
    let options = wanted.at_free_ports(12_004).expect("free ports");
    let stack = Stack::open(folder).expect("opens");
    stack.up(&options).expect("Redis and toxiproxy");
    let proxies = Proxies::of(&stack).expect("toxiproxy");
    let way = Probe::Redis { address: options.ports().redis_proxy(1) };
    way.check().expect("the way is open");
    proxies.cut("redis-1").expect("is cut");
    way.check().expect_err("nothing comes through");
    proxies.heal().expect("is healed");
    way.check().expect("the way is open again");
    proxies.refuse("redis-1").expect("is closed");
    way.check().expect_err("nothing is accepted");
    proxies.heal().expect("is healed");
    proxies.delay("redis-1", 200, 0).expect("is slowed");
    let begin = Instant::now();
    way.check().expect("slow, but open");
    assert!(begin.elapsed() >= Duration::from_millis(400), "200 ms each way");
    assert!(proxies.cut("redis-9").is_err());
    stack.wipe().expect("is wiped");
}
