//! Somebody writes into the log and the tail by hand.

use std::process::Command;
use std::time::Duration;

use cluster_tests::{Person, Rig, Shape, Trial, until};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::Value;

const TOPIC: &str = "chat.events";
const PATIENCE: Duration = Duration::from_secs(20);

/// Larger than the log's records may be; the topic has to be told to take it.
const OVERSIZED: usize = 4 * 1024 * 1024;

async fn produce(rig: &Rig, values: &[Vec<u8>]) -> Vec<String> {
    let kafka = rig.kafka().to_string();
    let admin: AdminClient<_> = ClientConfig::new().set("bootstrap.servers", &kafka).create().expect("a client");
    let larger = AlterConfig::new(ResourceSpecifier::Topic(TOPIC)).set("max.message.bytes", "8388608");
    for result in admin.alter_configs([&larger], &AdminOptions::new()).await.expect("an answer") {
        result.expect("altered");
    }
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &kafka)
        .set("message.max.bytes", "9000000")
        .create()
        .expect("a producer");
    let mut places = Vec::new();
    for value in values {
        let record = FutureRecord::to(TOPIC).key("by hand").payload(value);
        let delivery = producer.send(record, PATIENCE).await.expect("delivered");
        places.push(format!("{TOPIC}/{}/{}", delivery.partition, delivery.offset));
    }
    places
}

/// `writer dead-letter …` as one would type it: its exit code, and what it prints.
fn dead_letter(rig: &Rig, words: &[&str]) -> (bool, String) {
    let mut writer = Command::new(rig.binaries().join("writer"));
    writer.arg("dead-letter").args(words).args(rig.backends());
    let output = writer.output().expect("the writer runs");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_to_the_log_stops_nothing() {
    let rig = Rig::start(Shape::One);
    let mut places = Vec::new();
    let poison = async |rig: &Rig| {
        let newer = br#"{"v":99,"something":"else"}"#.to_vec();
        let values = [b"\xff\x00 no record".to_vec(), newer, vec![b'x'; OVERSIZED], Vec::new()];
        places = produce(rig, &values).await;
    };
    Trial::new("garbage in the log").after(10).run(&rig, poison).await;
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;

    let (listed, list) = dead_letter(&rig, &["list"]);
    assert!(listed && places.iter().all(|place| list.contains(place.as_str())), "{places:?} in {list}");
    for (place, words) in places.iter().zip(["no record", "version 99", "The first bytes of 4194304", "error: "]) {
        let (shown, text) = dead_letter(&rig, &["show", place]);
        assert!(shown && text.contains(words) && text.contains("by hand"), "{words} in {text:.500}");
    }
    let (replayed, text) = dead_letter(&rig, &["replay", "--all"]);
    assert!(!replayed && places.iter().all(|place| text.contains(&format!("{place}: still refused"))), "{text}");
    let (shown, text) = dead_letter(&rig, &["show", "chat.events/0/99999999"]);
    assert!(!shown && text.contains("is no dead letter"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_writes_to_a_tail_is_skipped() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&two, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let (mut b, _) = bob.socket(&two, "b", Value::Null).await;
    let id = a.send(&room, "before").await;
    a.acked(id).await;
    // The next rev is taken by what is no event.
    let damage = format!(
        "local rev = redis.call('HINCRBY', 'c:{{{room}}}:head', 'rev', 1) \
         return redis.call('XADD', 'c:{{{room}}}:tail', rev .. '-1', 'e', 'no event')"
    );
    let address = rig.redis();
    let redis = Command::new("redis-cli").args(["-p", &address.port().to_string(), "EVAL", &damage, "0"]).output();
    let redis = redis.expect("redis-cli");
    assert!(redis.status.success() && !redis.stdout.is_empty(), "{redis:?}");
    let id = a.send(&room, "after").await;
    a.acked(id).await;
    // There is a rev that nobody can read: who was connected is told to refetch, and has all of it.
    b.expect("reload", |frame| frame["conversation"] == room.as_str()).await;
    let (texts, _) = bob.texts(&two, &room).await.expect("history");
    assert_eq!(texts, ["before", "after"]);
    let id = a.send(&room, "later").await;
    a.acked(id).await;
    b.expect("event", |frame| frame["body"]["text"] == "later").await;
    let skipped = until("the damage to be counted", async || {
        let metrics = rig.metrics("node-2").await?;
        metrics.lines().find(|line| line.contains("undecodable") && !line.ends_with(" 0")).map(str::to_owned)
    });
    println!("{}", skipped.await);
}
