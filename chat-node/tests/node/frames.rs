//! Bad input over the socket: a documented code each, and others are left alone.

use std::sync::Arc;

use futures_util::SinkExt as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use uuid::Uuid;

use super::harness::TestNode;

#[tokio::test]
async fn each_kind_of_bad_frame_has_its_code_and_the_connection_stays() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut socket = node.socket(&ada, "a").await;
    let id = Uuid::now_v7();
    for (frame, code) in [
        ("not json".to_owned(), "bad_frame"),
        ("[1,2]".to_owned(), "bad_frame"),
        ("{}".to_owned(), "bad_frame"),
        (format!("{{\"type\":\"send\",\"x\":{}1{}}}", "[".repeat(100), "]".repeat(100)), "bad_frame"),
        (json!({"type": "teleport"}).to_string(), "unknown_type"),
        (json!({"type": "send"}).to_string(), "invalid_request"),
        (json!({"type": "send", "conversation": "x", "client_msg_id": id, "body": {}}).to_string(), "invalid_request"),
        (
            json!({"type": "send", "conversation": room, "client_msg_id": "1", "body": {"text": "a"}}).to_string(),
            "invalid_request",
        ),
        (
            json!({"type": "send", "conversation": room, "client_msg_id": id, "body": {"text": ""}}).to_string(),
            "invalid_request",
        ),
        (
            json!({"type": "send", "conversation": room, "client_msg_id": id, "body": {"text": "x".repeat(8_001)}})
                .to_string(),
            "too_large",
        ),
        (
            json!({"type": "send", "conversation": Uuid::now_v7(), "client_msg_id": id, "body": {"text": "a"}})
                .to_string(),
            "not_found",
        ),
        (
            json!({"type": "react", "conversation": room, "target": 1, "emoji": "like", "client_msg_id": id})
                .to_string(),
            "invalid_request",
        ),
        (
            json!({"type": "edit", "conversation": room, "target": 999, "client_msg_id": id, "body": {"text": "a"}})
                .to_string(),
            "not_found",
        ),
    ] {
        socket.say_text(frame.clone()).await;
        assert_eq!(socket.expect_error().await, code, "{}", &frame[..frame.len().min(120)]);
    }
    socket.ws.send(Message::binary(vec![1, 2, 3])).await.expect("send");
    assert_eq!(socket.expect_error().await, "bad_frame");
    socket.send(&room, "still here").await;
    socket.expect("ack").await;
    assert_eq!(ada.texts(&room).await, ["still here"]);
}

#[tokio::test]
async fn fatal_frames_close_with_their_codes_and_leave_others_alone() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut other = node.socket(&bob, "b").await;

    let mut socket = node.socket(&ada, "oversized").await;
    socket.say_text(format!("{{\"type\":\"ping\",\"n\":1,\"pad\":\"{}\"}}", "x".repeat(70_000))).await;
    assert_eq!(socket.expect_close().await, 4413);

    let mut socket = node.socket(&ada, "utf8").await;
    let frame = Frame::message(vec![0xff, 0xfe], OpCode::Data(Data::Text), true);
    socket.ws.send(Message::Frame(frame)).await.expect("send");
    assert_eq!(socket.expect_close().await, 4400);

    let mut socket = node.socket(&ada, "garbage").await;
    socket.ws.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("write");
    assert_eq!(socket.expect_close().await, 4400);

    let mut socket = node.socket(&ada, "hellos").await;
    for _ in 0..10 {
        let hello = json!({"type": "hello", "token": ada.account.token, "device_id": "hellos"});
        if socket.ws.send(Message::text(hello.to_string())).await.is_err() {
            break;
        }
    }
    assert_eq!(socket.expect_close().await, 4400);

    let mut socket = node.socket(&ada, "stubborn").await;
    for _ in 0..10 {
        socket.say_text("nonsense".into()).await;
    }
    assert_eq!(socket.expect_close().await, 4400);

    let mut socket = node.socket(&ada, "same").await;
    let mut again = node.socket(&ada, "same").await;
    assert_eq!(socket.expect_close().await, 4409);
    again.send(&room, "after all that").await;
    assert_eq!(other.expect("event").await["body"]["text"], "after all that");
}

#[tokio::test]
async fn a_first_frame_that_is_no_good_hello_is_refused() {
    let node = TestNode::start(&[]);
    let ada = node.person("ada").await;
    let forged = format!("{}x", ada.account.token);
    for (frame, code) in [
        (json!({"type": "ping", "n": 1}).to_string(), 4400),
        ("{".to_owned(), 4400),
        (json!({"type": "hello", "token": forged, "device_id": "a"}).to_string(), 4401),
        (json!({"type": "hello", "token": "", "device_id": "a"}).to_string(), 4401),
        (json!({"type": "hello", "token": ada.account.token, "device_id": ""}).to_string(), 4400),
    ] {
        let mut socket = node.raw_socket().await;
        socket.say_text(frame.clone()).await;
        assert_eq!(socket.expect_close().await, code, "{frame}");
    }
    let mut silent = node.raw_socket().await;
    assert_eq!(silent.expect_close().await, 4400);
}

#[tokio::test]
async fn a_reader_that_stops_is_cut_off_and_others_get_everything() {
    let node = TestNode::start(&["--limit-queue-bytes=65536", "--limit-sends-per-user=off"]);
    let (mut ada, bob, cat) = (node.person("ada").await, node.person("bob").await, node.person("cat").await);
    let room = ada.group(&[&bob, &cat]).await;
    let mut slow = node.socket(&bob, "slow").await;
    let mut reader = node.socket(&cat, "c").await;
    let mut writer = node.socket(&ada, "a").await;
    let text = "y".repeat(7_000);
    let slow_consumers = || node.app.node.counters.slow_consumers.get();
    let mut sent = 0u64;
    // The kernel's buffers take the first megabytes.
    while slow_consumers() == 0 {
        writer.send(&room, &text).await;
        writer.expect("ack").await;
        reader.expect("event").await;
        sent += 1;
        assert!(sent < 5_000, "nobody was cut off");
    }
    assert_eq!(slow.expect_close().await, 4503);
    writer.send(&room, "and on").await;
    assert_eq!(reader.expect("event").await["body"]["text"], "and on");
}

#[tokio::test]
async fn mutated_frames_leave_the_node_healthy() {
    let node = Arc::new(TestNode::start(&["--limit-sends-per-user=off"]));
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let good = json!({"type": "send", "conversation": room, "client_msg_id": Uuid::now_v7(), "body": {"text": "hello", "mentions": [bob.id()]}}).to_string();
    let seed: u64 = rand::random::<u64>() | 1;
    println!("seed {seed}");
    let mut random = seed;
    let mut next = move |below: usize| {
        // xorshift64 is plenty for choosing bytes, and repeats from the printed seed.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).expect("small")
    };
    let mut socket = node.socket(&ada, "fuzz").await;
    for _ in 0..10_000 {
        let mut bytes = good.clone().into_bytes();
        for _ in 0..=next(4) {
            let at = next(bytes.len());
            match next(4) {
                0 => bytes[at] = u8::try_from(next(128)).expect("ASCII"),
                1 => drop(bytes.drain(at..(at + next(20)).min(bytes.len()))),
                2 => bytes.insert(at, b"{}[]\",:0e-"[next(10)]),
                _ => bytes.truncate(at.max(1)),
            }
            if bytes.is_empty() {
                bytes.push(b' ');
            }
        }
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if socket.ws.send(Message::text(text)).await.is_err() {
            socket = node.socket(&ada, "fuzz").await;
        }
    }
    let mut healthy = node.socket(&bob, "b").await;
    healthy.send(&room, "fine").await;
    healthy.expect("ack").await;
}
