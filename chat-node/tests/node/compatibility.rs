//! A client of version 1, word for word as it was written down, on today's node: it says what
//! `crates/chat-wire/tests/v1/client-frames.jsonl` has, and understands every answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::{Socket, TestNode};

const SAID: &str = include_str!("../../../crates/chat-wire/tests/v1/client-frames.jsonl");
const ANSWERS: &str = include_str!("../../../crates/chat-wire/tests/v1/server-frames.jsonl");

/// The fields that are in every sample of a frame: what an old client may rely on.
fn always(tag: &str) -> BTreeSet<String> {
    let samples = ANSWERS.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let fields = samples.filter(|frame| frame["type"] == tag).map(|frame| {
        let frame = frame.as_object().expect("an object").clone();
        frame.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>()
    });
    fields.reduce(|all, next| &all & &next).unwrap_or_else(|| panic!("no sample of {tag}"))
}

fn understood(frame: &Value) {
    let tag = frame["type"].as_str().expect("a type");
    for field in always(tag) {
        assert!(frame.get(&field).is_some(), "an old client misses {field} in {frame}");
    }
}

/// The next frame of a type. Every frame on the way is understood, and none refuses what was said.
async fn answer(socket: &mut Socket, tag: &str) -> Value {
    loop {
        let frame = socket.next().await;
        assert_ne!(frame["type"], "error", "{frame}");
        understood(&frame);
        if frame["type"] == tag {
            return frame;
        }
    }
}

#[tokio::test]
async fn an_old_client_is_served_by_a_new_node() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut socket = node.raw_socket().await;
    let mut target = Value::Null;
    let mut said = BTreeSet::new();
    for line in SAID.lines() {
        let mut frame: Value = serde_json::from_str(line).expect("JSON");
        let tag = frame["type"].as_str().expect("a type").to_owned();
        // Only what is of this run is put in: who, where, which message.
        for (field, value) in [("token", json!(ada.account.token)), ("conversation", json!(room))] {
            if frame.get(field).is_some() {
                frame[field] = value;
            }
        }
        if frame.get("client_msg_id").is_some() {
            frame["client_msg_id"] = json!(Uuid::now_v7());
        }
        for field in ["target", "up_to"] {
            if frame.get(field).is_some() {
                frame[field] = target.clone();
            }
        }
        if let Some(users) = frame.get_mut("users") {
            *users = json!([bob.id()]);
        }
        if tag == "hello" && !said.insert(tag.clone()) {
            // One hello for each connection: the second is that of a client that comes back.
            socket = node.raw_socket().await;
        }
        if tag == "send" && frame["body"].get("attachments").is_some() {
            // A file of its own would have to be there.
            frame["body"] = json!({"text": "hi", "reply_to": target, "mentions": [bob.id()]});
        }
        socket.say(&frame).await;
        let expected = match tag.as_str() {
            "hello" => "welcome",
            "auth" => "authenticated",
            "send" | "edit" | "delete" | "react" | "unreact" => "ack",
            "presence.watch" => "presence",
            "ping" => "pong",
            _ => "",
        };
        if !expected.is_empty() {
            let answered = answer(&mut socket, expected).await;
            if tag == "send" {
                target = answered["seq"].clone();
            }
            if tag == "delete" {
                // What is deleted can't be reacted to: later frames are about another message.
                let id = socket.send(&room, "again").await;
                let ack = answer(&mut socket, "ack").await;
                assert_eq!(ack["client_msg_id"], json!(id));
                target = ack["seq"].clone();
            }
        }
        said.insert(tag);
    }
    assert_eq!(said.len(), 13, "{said:?}");
    // None of it was refused: that would have come before the answer to this.
    socket.send(&room, "last").await;
    answer(&mut socket, "ack").await;
}
