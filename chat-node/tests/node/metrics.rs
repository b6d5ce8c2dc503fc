//! What the node tells Prometheus.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};
use service_kit::metrics::{differences, documented, exported};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::harness::{DEADLINE, TestNode};

const PAGE: &str = include_str!("../../../docs/reference/metrics.md");

async fn scrape(node: &TestNode) -> String {
    let mut socket = TcpStream::connect(node.app.admin_address).await.expect("the admin port");
    let request = b"GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n";
    socket.write_all(request).await.expect("asked");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// By the sample's name and labels, as they are written.
async fn samples(node: &TestNode) -> BTreeMap<String, f64> {
    let text = scrape(node).await;
    let pairs = text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
    pairs.filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?))).collect()
}

/// Until the backends were looked at for the first time: what was never set is not exported.
async fn first_look(node: &TestNode) -> BTreeMap<String, f64> {
    let up = |backend: &str| format!(r#"chat_node_backend_up{{backend="{backend}"}}"#);
    let looked = async {
        loop {
            let seen = samples(node).await;
            if ["log", "tail", "store"].iter().all(|backend| seen.contains_key(&up(backend))) {
                return seen;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, looked).await.expect("all three were asked")
}

#[tokio::test]
async fn what_is_exported_is_documented_and_nothing_else() {
    let node = TestNode::start(&[]);
    first_look(&node).await;
    let said = differences(&exported(&scrape(&node).await), &documented(PAGE, &["Every process", "Chat node"]));
    assert!(said.is_empty(), "docs/reference/metrics.md:\n{}", said.join("\n"));
}

#[tokio::test]
async fn outcomes_are_counted_as_what_they_are() {
    let node = TestNode::start(&["--limit-text-chars=5"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut socket = node.socket(&ada, "a").await;
    socket.send(&room, "hello").await;
    socket.expect("ack").await;
    socket.send(&room, "too long").await;
    assert_eq!(socket.expect_error().await, "too_large");
    let path = format!("/v1/conversations/{room}/messages");
    let body = |text: &str| json!({"client_msg_id": uuid::Uuid::now_v7(), "body": {"text": text}});
    ada.post(&path, body("again")).await;
    assert_eq!(ada.refused(Method::POST, &path, body("too long")).await.0, 413);
    let mut stranger = node.raw_socket().await;
    stranger.say(&json!({"type": "hello", "token": "forged", "device_id": "x", "resume": Value::Null})).await;
    assert_eq!(stranger.expect_close().await, 4401);
    let seen = samples(&node).await;
    let value = |name: &str| seen.get(name).copied().unwrap_or_else(|| panic!("{name} in {seen:#?}"));
    let is = |name: &str, expected: f64| {
        let found = value(name);
        assert!((found - expected).abs() < f64::EPSILON, "{name} is {found}, not {expected}");
    };
    is(r#"chat_node_sends_total{outcome="acked"}"#, 2.0);
    is(r#"chat_node_sends_total{outcome="refused"}"#, 2.0);
    is(r#"chat_node_sends_total{outcome="failed"}"#, 0.0);
    is("chat_node_send_seconds_count", 2.0);
    assert!(value("chat_node_send_seconds_sum") > 0.0);
    // Bob's invitation into the conversation was an event too.
    assert!(value("chat_node_live_seconds_count") >= 2.0);
    is(r#"chat_node_sessions_total{outcome="opened"}"#, 1.0);
    is(r#"chat_node_sessions_total{outcome="refused"}"#, 1.0);
    is(r#"chat_node_sessions_total{outcome="failed"}"#, 0.0);
}

/// By a task of its own: a scrape never waits for a backend.
#[tokio::test]
async fn whether_backends_answer_is_known() {
    let node = TestNode::start(&[]);
    let seen = first_look(&node).await;
    let backends: Vec<_> = seen.iter().filter(|(name, _)| name.starts_with("chat_node_backend_up")).collect();
    assert!(backends.len() == 3 && backends.iter().all(|(_, up)| **up > 0.5), "{backends:?}");
}
