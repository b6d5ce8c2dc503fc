//! What the operator does with nodes: draining, taking it back, and ending a node while something is away.

use std::time::{Duration, Instant};

use cluster_tests::{Course, Person, Rig, Shape, Trial, until};
use hyper::Method;
use serde_json::{Value, json};

async fn connections(rig: &Rig, node: &str) -> Option<u64> {
    rig.admin(node, "/load").await.ok()?["connections"].as_u64()
}

/// Nobody is cut, and nobody sees an error, whatever the operator does.
#[tokio::test(flavor = "multi_thread")]
async fn the_operator_drains_and_sheds() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        course.fault("drain of a node by the operator", drained(&rig, "node-2")).await;
        rig.act(|stack| stack.start(&["node-2"])).await;
        course.fault("SIGTERM in the operator's drain", ended_while_drained(&rig, "node-1")).await;
        rig.act(|stack| stack.start(&["node-1"])).await;
        let shed = async {
            let before = connections(&rig, "node-3").await.expect("connections");
            let answer = rig.admin_call("node-3", Method::POST, "/shed?connections=10&seconds=3").await.expect("shed");
            assert_eq!(answer, json!({"shed": 10}));
            rig.admin("node-3", "/readyz").await.expect("it stays ready");
            until("them to have gone", async || (connections(&rig, "node-3").await? + 10 <= before).then_some(()))
                .await;
        };
        course.fault("shedding of 10 connections", shed).await;
    };
    Trial::new("what the operator does").after(1).run_each(&rig, faults).await;
}

/// The operator drains a node within the time that it gives, and ends the process when the node is empty.
async fn drained(rig: &Rig, node: &'static str) {
    let begun = rig.admin_call(node, Method::POST, "/drain?seconds=6").await.expect("drain");
    assert!(begun["connections"].as_u64() > Some(0), "{begun}");
    let begin = Instant::now();
    until("the node to be empty", async || (rig.admin(node, "/load").await.ok()?["state"] == "drained").then_some(()))
        .await;
    let (took, given) = (begin.elapsed().as_secs_f64(), begun["deadline_seconds"].as_f64().expect("seconds"));
    println!("{} connections left in {took:.1} s of {given}", begun["connections"]);
    assert!((1.0..=given + 0.5).contains(&took), "{took} of {given}");
    let load = rig.admin(node, "/load").await.expect("load");
    assert_eq!(load["sessions_cut_total"], json!(0), "{load}");
    let stopping = Instant::now();
    rig.act(move |stack| stack.stop(node)).await;
    assert!(stopping.elapsed() < Duration::from_secs(3), "an empty node ends at once: {:?}", stopping.elapsed());
}

/// SIGTERM in the middle of a drain: it goes on, within `--drain-seconds`, and asks nobody twice.
async fn ended_while_drained(rig: &Rig, node: &'static str) {
    let begun = rig.admin_call(node, Method::POST, "/drain?seconds=20").await.expect("drain");
    let all = begun["connections"].as_u64().expect("connections");
    until("some to have gone", async || (connections(rig, node).await? <= all * 2 / 3).then_some(())).await;
    assert!(connections(rig, node).await > Some(0), "some are left");
    let begin = Instant::now();
    rig.act(move |stack| stack.stop(node)).await;
    println!("{all} connections; the process ended {:.1} s after SIGTERM", begin.elapsed().as_secs_f64());
    assert!(begin.elapsed() < Duration::from_secs(8), "five seconds of drain: {:?}", begin.elapsed());
}

/// A scale-up takes a drain back: the node takes connections again, from the balancer too, and others find its people.
#[tokio::test(flavor = "multi_thread")]
async fn a_drain_is_taken_back() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob, eve) =
        (Person::new(&one, "ada").await, Person::new(&two, "bob").await, Person::new(&two, "eve").await);
    let room = ada.group(&[&bob, &eve]).await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let (mut b, _) = bob.socket(&two, "b", Value::Null).await;
    rig.admin_call("node-2", Method::POST, "/drain?seconds=3600").await.expect("drain");
    assert!(rig.admin("node-2", "/readyz").await.is_err(), "not ready");
    // Longer than a lease holds: draining, the node keeps its people in the directory.
    tokio::time::sleep(Duration::from_secs(17)).await;
    let back = rig.admin_call("node-2", Method::DELETE, "/drain").await.expect("taken back");
    assert_eq!(back["state"], "serving");
    rig.admin("node-2", "/readyz").await.expect("ready");
    let (mut e, _) = eve.socket(&two, "e", Value::Null).await;
    a.say(&json!({"type": "presence.watch", "users": [bob.account.user, eve.account.user]})).await;
    for user in [bob.account.user, eve.account.user] {
        a.expect("presence", |frame| frame["user"] == json!(user) && frame["state"] == "online").await;
    }
    let id = a.send(&room, "are you there?").await;
    a.acked(id).await;
    for socket in [&mut b, &mut e] {
        socket.expect("event", |frame| frame["body"]["text"] == "are you there?").await;
    }
}

/// How long a node with people on it takes to end after SIGTERM, while `break_it` holds.
async fn ends_in_time(rig: &Rig, what: &str, break_it: impl AsyncFnOnce(&Rig)) {
    let two = rig.node(2).to_string();
    let ada = Person::new(&two, "ada").await;
    let mut rooms = Vec::new();
    for _ in 0..12 {
        rooms.push(ada.group(&[]).await);
    }
    let (mut a, _) = ada.socket(&two, "a", Value::Null).await;
    let (mut b, _) = ada.socket(&two, "b", Value::Null).await;
    b.say(&json!({"type": "presence.watch", "users": [ada.account.user]})).await;
    break_it(rig).await;
    for room in &rooms {
        a.send(room, "on its way when the node ends").await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let log = rig.stack.process("node-2").expect("known").log;
    let before = std::fs::read(&log).expect("a log").len();
    let begin = Instant::now();
    rig.act(|stack| stack.stop("node-2")).await;
    let took = begin.elapsed().as_secs_f64();
    println!("{what}: the node ended {took:.1} s after SIGTERM, with 5 s to drain");
    let log = std::fs::read(&log).expect("a log").split_off(before);
    let log = String::from_utf8_lossy(&log);
    assert!(!log.contains("tasks did not end in time"), "{what}: {log}");
    assert!(took < 13.0, "{what}: {took}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_ends_in_time_while_redis_is_away() {
    let rig = Rig::start(Shape::One);
    ends_in_time(&rig, "Redis is gone", async |rig| rig.act(|stack| stack.kill("redis-1")).await).await;
    rig.act(|stack| stack.start(&["redis-1"])).await;
    rig.act(|stack| stack.start(&["node-2"])).await;
    ends_in_time(&rig, "Redis is silent", async |rig| rig.proxies().cut("redis-1").expect("cut")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_ends_in_time_while_kafka_is_away() {
    let rig = Rig::start(Shape::One);
    ends_in_time(&rig, "Kafka is gone", async |rig| rig.act(|stack| stack.kill("kafka-1")).await).await;
    rig.act(|stack| stack.start(&["kafka-1"])).await;
    rig.act(|stack| stack.start(&["node-2"])).await;
    ends_in_time(&rig, "Kafka is silent", async |rig| rig.proxies().cut("kafka-1").expect("cut")).await;
}
