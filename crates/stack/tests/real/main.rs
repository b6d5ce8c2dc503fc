//! The smallest stack there is, with the real server: Redis.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use stack::{Options, Probe, Redis, Stack};

/// Redis alone, at a port that is free now. Tests run at once, as threads or as processes: each looks at other ports.
fn options(first: u16) -> Options {
    let redis = Options { redis: Redis::Standalone, ..Options::default() };
    redis.at_free_ports(first).expect("free ports")
}

#[test]
fn a_server_is_killed_started_again_and_taken_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(12_001);
    let stack = Stack::open(folder.path().join("stack")).expect("opens");
    stack.up(&options).expect("Redis starts");
    let [redis] = &stack.status().expect("status")[..] else { panic!("one process") };
    assert_eq!((redis.name.as_str(), redis.up), ("redis-1", true));
    let first = redis.pid;

    // Another program, with the folder alone, may do the same.
    let other = Stack::open(stack.dir()).expect("opens");
    other.kill("redis-1").expect("is killed");
    assert!(!stack.status().expect("status")[0].up);
    other.start(&["redis-1"]).expect("starts again");
    let again = stack.status().expect("status").remove(0);
    assert!(again.up && again.pid != first);
    assert!(answers(options.ports().redis(1)));

    // What runs stays.
    stack.up(&options).expect("up");
    assert_eq!(stack.status().expect("status")[0].pid, again.pid);

    stack.down().expect("stops");
    assert!(!answers(options.ports().redis(1)));
    let refused = stack.up(&Options { redis: Redis::Cluster, ..options.clone() }).expect_err("data of one server");
    assert!(refused.to_string().contains("Redis: standalone there, cluster wanted"), "{refused:#}");
    stack.wipe().expect("is wiped");
    assert!(!stack.dir().exists());
}

#[test]
fn a_taken_port_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(12_005);
    let _taken = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, options.ports().redis(1).port())));
    let stack = Stack::open(folder.path()).expect("opens");
    let error = stack.up(&options).expect_err("the port is taken").to_string();
    assert!(error.contains("wanted for redis-1") && error.contains(&std::process::id().to_string()), "{error}");
    assert!(stack.status().expect("status").is_empty());
    assert_eq!(stack.options().expect("options"), None);
}

#[test]
fn a_server_that_ends_at_once_is_told_with_its_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(12_009);
    let stack = Stack::open(folder.path()).expect("opens");
    stack.up(&options).expect("Redis starts");
    stack.kill("redis-1").expect("is killed");
    std::fs::write(folder.path().join("redis-1/redis.conf"), "no-such-setting 1\n").expect("writes");
    let error = stack.start(&["redis-1"]).expect_err("it can't start").to_string();
    assert!(error.contains("redis-1 ended with exit status: 1 while it started"), "{error}");
    assert!(error.contains("no-such-setting"), "{error}");
    stack.wipe().expect("is wiped");
}

fn answers(address: SocketAddr) -> bool {
    Probe::Redis { address }.check().is_ok()
}
