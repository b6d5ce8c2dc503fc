//! What people expect of several nodes: that they are one.

use std::time::{Duration, Instant};

use cluster_tests::{Person, Rig, Shape, until};
use hyper::Method;
use serde_json::{Value, json};

/// A message goes from one node to people on the others, in one order, and each sees who is there.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_one() {
    let rig = Rig::start(Shape::One);
    let [one, two, three] = [1, 2, 3].map(|n| rig.node(n).to_string());
    let (ada, bob, eve) =
        (Person::new(&one, "ada").await, Person::new(&two, "bob").await, Person::new(&three, "eve").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let (mut b, _) = bob.socket(&two, "b", Value::Null).await;
    let (mut e, _) = eve.socket(&three, "e", Value::Null).await;
    a.say(&json!({"type": "presence.watch", "users": [bob.account.user, eve.account.user]})).await;
    for user in [bob.account.user, eve.account.user] {
        a.expect("presence", |frame| frame["user"] == json!(user) && frame["state"] == "online").await;
    }
    // Added later, on another node: the socket that is there gets the conversation and its events.
    let path = format!("/v1/conversations/{room}/members");
    ada.call(Method::POST, &path, Some(json!({"user": eve.account.user}))).await.expect("added");
    e.expect("conversation", |frame| frame["id"] == json!(room) && frame["action"] == "added").await;
    let mut seqs = Vec::new();
    for n in 0..10 {
        let (speaker, text) = if n % 2 == 0 { (&mut a, format!("a{n}")) } else { (&mut b, format!("b{n}")) };
        let id = speaker.send(&room, &text).await;
        seqs.push(speaker.acked(id).await["seq"].as_u64().expect("a seq"));
    }
    assert!(seqs.is_sorted_by(|a, b| a < b), "sent after the ack of the one before: {seqs:?}");
    let mut revs = Vec::new();
    for seq in &seqs {
        let event = e.expect("event", |frame| frame["kind"] == "message").await;
        assert_eq!(event["seq"], json!(seq));
        revs.push(event["rev"].as_u64().expect("a rev"));
    }
    assert!(revs.is_sorted_by(|a, b| a + 1 == *b), "dense: {revs:?}");
    a.say(&json!({"type": "typing", "conversation": room, "on": true})).await;
    b.expect("typing", |frame| frame["user"] == json!(ada.account.user)).await;
    // A read position is seen on the reader's other device and by others, on any node.
    let (mut b2, _) = bob.socket(&three, "b2", Value::Null).await;
    b.say(&json!({"type": "read", "conversation": room, "up_to": seqs[9]})).await;
    b2.expect("receipt", |frame| frame["user"] == json!(bob.account.user) && frame["read"] == json!(seqs[9])).await;
    a.expect("receipt", |frame| frame["user"] == json!(bob.account.user)).await;
    let listed = bob.call_at(&one, Method::GET, "/v1/conversations", None).await.expect("a list");
    assert_eq!(listed["items"][0]["unread"], json!(0), "read on another node: {listed}");
    drop(e);
    a.expect("presence", |frame| frame["user"] == json!(eve.account.user) && frame["state"] == "offline").await;
}

/// The same `client_msg_id` on another node gets the same answer, and makes no second message.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_on_another_node_is_the_same_message() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&two, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let id = a.send(&room, "once").await;
    let first = a.acked(id).await;
    drop(a);
    let (mut a, _) = ada.socket(&two, "a", Value::Null).await;
    a.send_as(&room, "once", id).await;
    let again = a.acked(id).await;
    assert_eq!((&again["seq"], &again["at"]), (&first["seq"], &first["at"]));
    let (texts, _) = bob.texts(&two, &room).await.expect("history");
    assert_eq!(texts, ["once"]);
}

/// A socket that comes back on another node gets what it missed, and after a long absence is told to refetch.
#[tokio::test(flavor = "multi_thread")]
async fn a_resume_works_on_any_node() {
    let rig = Rig::start(Shape::One);
    let [one, two, three] = [1, 2, 3].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&two, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let (mut b, welcome) = bob.socket(&two, "b", Value::Null).await;
    let id = a.send(&room, "seen").await;
    a.acked(id).await;
    let seen = b.expect("event", |frame| frame["kind"] == "message").await;
    drop(b);
    for n in 0..20 {
        let id = a.send(&room, &format!("missed {n}")).await;
        a.acked(id).await;
    }
    let point = json!({"id": room, "epoch": seen["epoch"], "rev": seen["rev"]});
    let resume = json!({"session": welcome["session"], "conversations": [point]});
    let (mut b, welcome) = bob.socket(&three, "b", resume.clone()).await;
    assert_eq!((&welcome["resumed"], &welcome["reload"]), (&json!([room]), &json!([])));
    for n in 0..20 {
        let event = b.expect("event", |frame| frame["kind"] == "message").await;
        assert_eq!(event["body"]["text"], json!(format!("missed {n}")));
    }
    drop(b);
    // More than a replay holds, as after a long absence: all or nothing.
    for n in 0..320 {
        let id = a.send(&room, &format!("more {n}")).await;
        a.acked(id).await;
    }
    let (_b, welcome) = bob.socket(&one, "b", resume).await;
    assert_eq!((&welcome["resumed"], &welcome["reload"]), (&json!([]), &json!([room])));
    let path = format!("/v1/conversations/{room}/messages?after={}&limit=100", seen["seq"]);
    let (mut rows, mut path) = (0, path);
    loop {
        let page = bob.call(Method::GET, &path, None).await.expect("a page");
        let items = page["items"].as_array().cloned().unwrap_or_default();
        rows += items.len();
        if page["has_more"] != json!(true) {
            break;
        }
        let last = &items.last().expect("a row")["seq"];
        path = format!("/v1/conversations/{room}/messages?after={last}&limit=100");
    }
    assert_eq!(rows, 340, "nothing is missing from history");
}

/// History right after an ack contains the message although no writer runs, and the writers bring it to the store later.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acked_is_read_although_no_writer_runs() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&two, "bob").await);
    let room = ada.group(&[&bob]).await;
    rig.act(|stack| {
        stack.stop("writer-1")?;
        stack.stop("writer-2")
    })
    .await;
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    for n in 0..30 {
        let text = format!("m{n}");
        let id = a.send(&room, &text).await;
        a.acked(id).await;
        let (texts, _) = bob.texts(&two, &room).await.expect("history");
        assert_eq!(texts.last(), Some(&text));
    }
    let unread = bob.call(Method::GET, &format!("/v1/conversations/{room}"), None).await.expect("a conversation");
    assert_eq!(unread["unread"], json!(30));
    rig.act(|stack| stack.start(&["writer-1", "writer-2"])).await;
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;
    let (texts, degraded) = bob.texts(&two, &room).await.expect("history");
    assert_eq!((texts.len(), degraded), (30, false));
}

/// Those who were connected to a node that died go offline for others within 20 s.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_nodes_people_go_offline() {
    let rig = Rig::start(Shape::One);
    let [one, two] = [1, 2].map(|n| rig.node(n).to_string());
    let (ada, bob) = (Person::new(&one, "ada").await, Person::new(&two, "bob").await);
    let (mut a, _) = ada.socket(&one, "a", Value::Null).await;
    let (_b, _) = bob.socket(&two, "b", Value::Null).await;
    a.say(&json!({"type": "presence.watch", "users": [bob.account.user]})).await;
    a.expect("presence", |frame| frame["state"] == "online").await;
    rig.act(|stack| stack.kill("node-2")).await;
    let died = Instant::now();
    a.expect("presence", |frame| frame["user"] == json!(bob.account.user) && frame["state"] == "offline").await;
    let after = died.elapsed();
    println!("offline after {after:?}");
    assert!(after < Duration::from_secs(20), "a lease that holds 15 s: {after:?}");
}

/// Who came and went on one node is counted on another at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_has_as_many_members_everywhere() {
    let rig = Rig::start(Shape::One);
    let [one, two, three] = [1, 2, 3].map(|n| rig.node(n).to_string());
    let (ada, bob, eve) =
        (Person::new(&one, "ada").await, Person::new(&two, "bob").await, Person::new(&three, "eve").await);
    let room = ada.group(&[&bob]).await;
    let path = format!("/v1/conversations/{room}");
    let counts = async |expected: u64| {
        for node in [&one, &two, &three] {
            let seen = ada.call_at(node, Method::GET, &path, None).await.expect("a conversation");
            assert_eq!(seen["member_count"], json!(expected), "{seen}");
        }
    };
    counts(2).await;
    let added = json!({"user": eve.account.user});
    ada.call(Method::POST, &format!("{path}/members"), Some(added)).await.expect("added");
    counts(3).await;
    let gone = format!("{path}/members/{}", eve.account.user);
    ada.call_at(&three, Method::DELETE, &gone, None).await.expect("removed");
    counts(2).await;
    let refused = eve.call(Method::GET, &path, None).await.expect_err("no member any more").to_string();
    assert!(refused.contains("404"), "{refused}");
}
