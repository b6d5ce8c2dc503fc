//! Sends whose node dies before it told anybody.

use std::time::Duration;

use cluster_tests::{Person, Rig, Shape, until};
use serde_json::{Value, json};
use uuid::Uuid;

/// The log has the record and nobody else: its node was killed before it heard so, and no writer runs. The retry on another
/// node, after the claim has lapsed, must find that record: it gets its position, and everybody sees one message.
#[tokio::test(flavor = "multi_thread")]
async fn a_send_whose_node_died_is_one_message_although_no_writer_runs() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&two, "ada").await, Person::new(&one, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, _) = ada.socket(&two, "a", Value::Null).await;
    let (mut b, _) = bob.socket(&one, "b", Value::Null).await;
    let before = a.send(&room, "before").await;
    let before = a.acked(before).await["seq"].as_u64().expect("a seq");
    b.expect("event", |frame| frame["body"]["text"] == "before").await;
    until("the writers to have stored it", async || (rig.lag().await? == 0).then_some(())).await;
    rig.act(|stack| {
        stack.stop("writer-1")?;
        stack.stop("writer-2")
    })
    .await;

    // The record is with the broker after a second, and its node would hear of it after two.
    rig.proxies().delay("kafka-1", 1_000, 0).expect("delay");
    let id = Uuid::now_v7();
    a.send_as(&room, "once", id).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    rig.act(|stack| stack.kill("node-2")).await;
    rig.proxies().heal().expect("heal");

    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let mut tries = 0;
    let ack = loop {
        tries += 1;
        assert!(tries < 60, "no ack in a minute");
        a.send_as(&room, "once", id).await;
        let answer = loop {
            let frame = a.next().await.expect("a frame");
            if frame["client_msg_id"] == json!(id) && (frame["type"] == "ack" || frame["type"] == "error") {
                break frame;
            }
        };
        if answer["type"] == "ack" {
            break answer;
        }
        assert_eq!(answer["retryable"], json!(true), "{answer}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    println!("acked at try {tries}: {ack}");
    // Or the record was not in the log yet, and this test has shown nothing.
    let log = std::fs::read_to_string(rig.stack.process("node-1").expect("known").log).expect("a log");
    assert!(log.contains("a record was found whose node had died"), "the retry made a record of its own");
    let seq = ack["seq"].as_u64().expect("a seq");
    assert!(tries > 5, "the claim of the dead node held: {tries}");
    assert!(seq > before, "{ack}");
    let event = b.expect("event", |frame| frame["body"]["text"] == "once").await;
    assert_eq!(event["seq"], json!(seq));
    let (texts, _) = bob.texts(&one, &room).await.expect("history");
    assert_eq!(texts, ["before", "once"], "read right after the ack");

    // The writers come to the record, and to nothing else.
    rig.act(|stack| stack.start(&["writer-1", "writer-2"])).await;
    let last = a.send(&room, "after").await;
    a.acked(last).await;
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;
    loop {
        let event = b.expect("event", |frame| frame["kind"] == "message").await;
        assert_ne!(event["body"]["text"], "once", "seen twice: {event}");
        if event["body"]["text"] == "after" {
            break;
        }
    }
    b.say(&json!({"type": "ping", "n": 1})).await;
    while let Some(frame) = b.next().await {
        assert_ne!(frame["body"]["text"], "once", "seen twice: {frame}");
        if frame["type"] == "pong" {
            break;
        }
    }
    let (texts, degraded) = bob.texts(&one, &room).await.expect("history");
    assert_eq!((texts, degraded), (["before", "once", "after"].map(str::to_owned).to_vec(), false));
}
