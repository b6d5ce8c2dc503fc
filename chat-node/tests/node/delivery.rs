//! What arrives where: order, resume, retries, receipts, presence.

use std::time::Duration;

use chat_core::UserId;
use hyper::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::harness::{DEADLINE, TestNode};

#[tokio::test]
async fn a_message_reaches_everybody_once_and_a_retry_gets_the_same_ack() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let (mut a1, mut a2, mut b) =
        (node.socket(&ada, "1").await, node.socket(&ada, "2").await, node.socket(&bob, "b").await);
    let id = a1.send(&room, "hello").await;
    let ack = a1.expect("ack").await;
    for socket in [&mut a2, &mut b] {
        let event = socket.expect("event").await;
        assert_eq!((&event["seq"], &event["client_msg_id"]), (&ack["seq"], &json!(id)));
    }
    for _ in 0..3 {
        a2.say(&json!({"type": "send", "conversation": room, "client_msg_id": id, "body": {"text": "hello"}})).await;
        let again = a2.expect("ack").await;
        assert_eq!((&again["seq"], &again["at"]), (&ack["seq"], &ack["at"]));
    }
    a1.send(&room, "next").await;
    let next = b.expect("event").await;
    assert_eq!(next["body"]["text"], "next");
    assert_eq!(bob.texts(&room).await, ["hello", "next"]);
}

#[tokio::test]
async fn what_one_client_sends_without_waiting_keeps_its_order() {
    let node = TestNode::start(&["--limit-sends-per-user=off"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let (mut a, mut b) = (node.socket(&ada, "a").await, node.socket(&bob, "b").await);
    for n in 0..200 {
        a.send(&room, &n.to_string()).await;
    }
    let mut last = 0;
    for n in 0..200 {
        let event = b.expect("event").await;
        assert_eq!(event["body"]["text"], n.to_string());
        let rev = event["rev"].as_u64().expect("rev");
        assert!(last == 0 || rev == last + 1, "rev {rev} came after {last}");
        last = rev;
    }
}

#[tokio::test]
async fn who_comes_back_gets_all_or_is_told_to_refetch() {
    let node = TestNode::start(&["--limit-sends-per-user=off"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let (mut a, mut b) = (node.socket(&ada, "a").await, node.socket(&bob, "b").await);
    a.send(&room, "before").await;
    a.expect("ack").await;
    let seen = b.expect("event").await;
    drop(b);
    for n in 0..300 {
        a.send(&room, &n.to_string()).await;
        a.expect("ack").await;
    }
    let point =
        json!({"session": Uuid::now_v7(), "conversations": [{"id": room, "epoch": seen["epoch"], "rev": seen["rev"]}]});
    let (mut back, welcome) = node.socket_with(&bob, "b", point.clone()).await;
    assert_eq!((&welcome["resumed"], &welcome["reload"]), (&json!([room]), &json!([])));
    for n in 0..300 {
        assert_eq!(back.expect("event").await["body"]["text"], n.to_string());
    }
    a.send(&room, "one too many").await;
    a.expect("ack").await;
    let (_, welcome) = node.socket_with(&bob, "b", point).await;
    assert_eq!((&welcome["resumed"], &welcome["reload"]), (&json!([]), &json!([room])));
    let strange = json!({"session": Uuid::now_v7(), "conversations": [
        {"id": room, "epoch": "other", "rev": 1}, {"id": Uuid::now_v7(), "epoch": "e", "rev": 1}]});
    let (_, welcome) = node.socket_with(&bob, "b", strange).await;
    assert_eq!(welcome["reload"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn edits_reactions_and_deletions_show_live_and_in_history() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob, cat) = (node.person("ada").await, node.person("bob").await, node.person("cat").await);
    let room = ada.group(&[&bob, &cat]).await;
    let (mut a, mut b) = (node.socket(&ada, "a").await, node.socket(&bob, "b").await);
    a.send(&room, "first daft").await;
    let seq = a.expect("ack").await["seq"].clone();
    let change = |kind: &str, more: Value| {
        let mut frame = json!({"type": kind, "conversation": room, "target": seq, "client_msg_id": Uuid::now_v7()});
        frame.as_object_mut().expect("object").extend(more.as_object().expect("object").clone());
        frame
    };
    b.say(&change("edit", json!({"body": {"text": "mine now"}}))).await;
    assert_eq!(b.expect_error().await, "forbidden");
    a.say(&change("edit", json!({"body": {"text": "first"}}))).await;
    a.expect("ack").await;
    b.say(&change("react", json!({"emoji": "👍"}))).await;
    b.expect("ack").await;
    let path = format!("/v1/conversations/{room}/messages/{seq}");
    let row = bob.get(&path).await;
    assert_eq!((row["body"]["text"].as_str(), row["reactions"][0]["mine"].as_bool()), (Some("first"), Some(true)));
    assert!(row["edited_at"].is_string());
    b.say(&change("unreact", json!({"emoji": "👍"}))).await;
    b.expect("ack").await;
    b.say(&change("delete", json!({}))).await;
    assert_eq!(b.expect_error().await, "forbidden");
    a.say(&change("delete", json!({}))).await;
    a.expect("ack").await;
    let row = bob.get(&path).await;
    assert_eq!((&row["deleted"], &row["body"], row.get("reactions")), (&json!(true), &json!({}), None));
    a.say(&change("edit", json!({"body": {"text": "back"}}))).await;
    assert_eq!(a.expect_error().await, "conflict");
}

#[tokio::test]
async fn cursors_only_grow_and_unread_counts_follow_them_on_every_device() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, mut phone, mut laptop) =
        (node.socket(&ada, "a").await, node.socket(&bob, "phone").await, node.socket(&bob, "laptop").await);
    let mut seqs = Vec::new();
    for n in 0..3 {
        let mentions = if n == 1 { json!([bob.id()]) } else { json!([]) };
        let frame = json!({"type": "send", "conversation": room, "client_msg_id": Uuid::now_v7(), "body": {"text": "x", "mentions": mentions}});
        a.say(&frame).await;
        seqs.push(a.expect("ack").await["seq"].as_u64().expect("seq"));
    }
    let counts = |list: &Value| (list["items"][0]["unread"].as_u64(), list["items"][0]["mentions"].as_u64());
    assert_eq!(counts(&bob.get("/v1/conversations").await), (Some(3), Some(1)));
    phone.say(&json!({"type": "read", "conversation": room, "up_to": seqs[1]})).await;
    for socket in [&mut laptop, &mut a] {
        let receipt = socket.expect("receipt").await;
        assert_eq!((receipt["user"].as_str(), receipt["read"].as_u64()), (Some(bob.id().as_str()), Some(seqs[1])));
    }
    assert_eq!(counts(&bob.get("/v1/conversations").await), (Some(1), Some(0)));
    laptop.say(&json!({"type": "read", "conversation": room, "up_to": seqs[0]})).await;
    laptop.say(&json!({"type": "read", "conversation": room, "up_to": 9_007_199_254_740_991u64})).await;
    assert_eq!(a.expect("receipt").await["read"].as_u64(), Some(seqs[2]));
    a.send(&room, "later").await;
    a.expect("ack").await;
    assert_eq!(counts(&bob.get("/v1/conversations").await), (Some(1), Some(0)));
    let receipts = ada.get(&format!("/v1/conversations/{room}/messages/{}/receipts", seqs[2])).await;
    assert_eq!(receipts["items"], json!([{"user": bob.id(), "state": "read"}]));
}

#[tokio::test]
async fn who_joins_gets_events_from_then_on_and_who_leaves_gets_none() {
    let node = TestNode::start(&[]);
    let (mut ada, bob, cat) = (node.person("ada").await, node.person("bob").await, node.person("cat").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, mut c) = (node.socket(&ada, "a").await, node.socket(&cat, "c").await);
    a.send(&room, "not for cat").await;
    a.expect("ack").await;
    let members = format!("/v1/conversations/{room}/members");
    ada.post(&members, json!({"user": cat.id()})).await;
    let added = c.expect("conversation").await;
    assert_eq!((added["action"].as_str(), added["conversation"]["unread"].as_u64()), (Some("added"), Some(0)));
    a.send(&room, "hello cat").await;
    assert_eq!(c.expect("event").await["body"]["text"], "hello cat");
    ada.call(Method::DELETE, &format!("{members}/{}", cat.id()), Value::Null).await.expect("remove");
    assert_eq!(c.expect("conversation").await["action"], "removed");
    a.send(&room, "without cat").await;
    a.expect("ack").await;
    c.send(&room, "let me in").await;
    let answer = c.expect("error").await;
    assert_eq!(answer["code"], "not_found");
    c.settle().await;
}

#[tokio::test]
async fn typing_and_presence_reach_those_who_care() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut a = node.socket(&ada, "a").await;
    a.say(&json!({"type": "presence.watch", "users": [bob.id()]})).await;
    assert_eq!(a.expect("presence").await["state"], "offline");
    let mut b = node.socket(&bob, "b").await;
    assert_eq!(a.expect("presence").await["state"], "online");
    b.say(&json!({"type": "typing", "conversation": room, "on": true})).await;
    assert_eq!(a.expect("typing").await["user"], bob.id());
    b.say(&json!({"type": "presence.set", "state": "away"})).await;
    assert_eq!(a.expect("presence").await["state"], "away");
    drop(b);
    let gone = a.expect("presence").await;
    assert_eq!(gone["state"], "offline");
    assert!(gone["last_seen"].is_string());
    let too_many: Vec<Uuid> = (0..201).map(|_| Uuid::now_v7()).collect();
    a.say(&json!({"type": "presence.watch", "users": too_many})).await;
    assert_eq!(a.expect_error().await, "invalid_request");
}

#[tokio::test]
async fn limits_hold_and_say_when_to_come_back() {
    let node = TestNode::start(&["--limit-sends-per-user=3/10s", "--limit-connections-per-user=2"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut a = node.socket(&ada, "1").await;
    let _second = node.socket(&ada, "2").await;
    let mut third = node.raw_socket().await;
    third.say(&json!({"type": "hello", "token": ada.account.token, "device_id": "3"})).await;
    assert_eq!(third.expect_close().await, 4403);
    // Creating the conversation took one.
    for _ in 0..2 {
        a.send(&room, "x").await;
        a.expect("ack").await;
    }
    a.send(&room, "x").await;
    let error = a.expect("error").await;
    assert_eq!((error["code"].as_str(), error["retryable"].as_bool()), (Some("rate_limited"), Some(true)));
    assert!(error["retry_after_ms"].as_u64().expect("a time") > 0);
}

/// Waits for a condition of the node itself.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

#[tokio::test]
async fn a_hub_that_somebody_held_when_the_last_one_left_goes_later() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let socket = node.socket(&ada, "a").await;
    let (hubs, inside) = (&node.app.node.delivery.hubs, &node.app.node);
    let held = hubs.get(room.parse().expect("id"));
    assert!(held.is_some());
    drop(socket);
    until("the connection ends", || inside.delivery.connections.count() == 0).await;
    until("it was left", || held.as_ref().is_some_and(|hub| hub.is_empty())).await;
    drop(held);
    inside.positions.compare_now();
    until("nobody is in it", || hubs.count() == 0).await;
}

#[tokio::test]
async fn who_does_not_read_what_they_missed_leaves_nothing_behind() {
    let node = TestNode::start(&["--limit-sends-per-user=off"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let before = ada.get(&format!("/v1/conversations/{room}")).await;
    let text = "\u{1f980}".repeat(8_000);
    let mut b = node.socket(&bob, "b").await;
    for _ in 0..299 {
        b.send(&room, &text).await;
        b.expect("ack").await;
    }
    drop(b);
    let inside = &node.app.node;
    until("bob is gone", || inside.delivery.connections.count() == 0).await;
    // More than the kernel's buffers take, and it is never read.
    let mut a = node.raw_socket().await;
    let point = json!({"id": room, "epoch": before["epoch"], "rev": before["rev"]});
    let hello = json!({"type": "hello", "token": ada.account.token, "device_id": "a", "resume": {"session": Uuid::now_v7(), "conversations": [point]}});
    a.say(&hello).await;
    until("ada is there", || inside.delivery.connections.count() == 1).await;
    until("she was given up", || inside.delivery.connections.count() == 0).await;
    until("nobody is seated", || inside.delivery.hubs.count() == 0).await;
    let asked = async {
        while inside.backends.directory.whereabouts(UserId::new(ada.account.user)).await.expect("directory").1 > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, asked).await.expect("she is offline");
    drop(a);
}

/// The hint that takes a seat away may be lost; the event is not, since holes are filled.
#[tokio::test]
async fn who_left_is_unseated_by_the_event_alone() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.group(&[&bob]).await;
    let mut socket = node.socket(&bob, "b").await;
    let conversation: chat_core::ConversationId = room.parse().expect("an id");
    let record = chat_wire::LogRecord {
        conversation,
        at: chat_core::Timestamp::from_millis(1),
        actor: chat_core::UserId::new(ada.account.user),
        client_msg_id: None,
        body: chat_core::EventBody::MemberLeft { user: chat_core::UserId::new(bob.account.user) },
    };
    let backends = &node.app.node.backends;
    let seq = backends.log.append(record.clone()).await.expect("appended");
    let event = bytes::Bytes::from(serde_json::to_vec(&record.into_event(seq)).expect("an event"));
    let appended = backends.tail.append(conversation, seq, event.clone()).await.expect("appended");
    node.app.node.delivery.event(conversation, seq, &appended, &event).await;
    assert_eq!(socket.expect("event").await["kind"], "member_left");
    let told = socket.expect("conversation").await;
    assert_eq!((told["action"].as_str(), told["id"].as_str()), (Some("removed"), Some(room.as_str())));
    socket.send(&room, "still here?").await;
    assert_eq!(socket.expect_error().await, "not_found");
}
