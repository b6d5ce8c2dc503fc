//! Starting, stopping, checking, copying.

use std::process::Command;
use std::time::Duration;

use elastic_chat_load::client::Http;
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{DEADLINE, TestNode, config};
use chat_node::app::App;

fn node(args: &[&str]) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_chat-node")).args(args).output().expect("the node's binary");
    (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr))
}

#[tokio::test]
async fn a_second_process_on_the_folder_is_refused_and_says_why() {
    let first = TestNode::start(&[]);
    let Err(error) = App::start(config(first.folder.path(), &[])) else { panic!("two nodes on one folder") };
    let text = format!("{error:#}");
    assert!(text.contains("another process works on this data folder (process "), "{text}");
    let folder = first.folder.path().display().to_string();
    let (ok, said) = node(&["import", "irc", "x.log", "--conversation", "x", "--data-dir", &folder]);
    assert!(!ok && said.contains("another process"), "{said}");
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let first = TestNode::start(&[]);
    let (mut ada, bob) = (first.person("ada").await, first.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut socket = first.socket(&ada, "a").await;
    socket.send(&room, "remember").await;
    socket.expect("ack").await;
    let folder = first.stop().await;
    assert_eq!(socket.expect("goaway").await["reason"], "update");
    assert_eq!(socket.expect_close().await, 1012);
    let app = App::start(config(folder.path(), &[])).expect("again");
    let second = TestNode { app, folder };
    let token = ada.account.token.clone();
    let path = format!("/v1/conversations/{room}/messages");
    let page = second.http().call(Method::GET, &path, Some(&token), None).await.expect("page");
    assert_eq!(page["items"][0]["body"]["text"], "remember");
}

#[tokio::test]
async fn the_admin_port_tells_and_drains() {
    let node = TestNode::start(&[]);
    let ada = node.person("ada").await;
    let mut socket = node.socket(&ada, "a").await;
    let mut admin = Http::new(&node.app.admin_address.to_string());
    admin.call(Method::GET, "/livez", None, None).await.expect("alive");
    assert_eq!(admin.call(Method::GET, "/readyz", None, None).await.expect("ready")["ready"], true);
    let load = admin.call(Method::GET, "/load", None, None).await.expect("load");
    assert_eq!((load["state"].as_str(), load["connections"].as_u64()), (Some("serving"), Some(1)));
    assert!(load["resident_bytes"].as_u64().expect("bytes") > 1_000_000);
    assert!(admin.call(Method::GET, "/metrics", None, None).await.is_ok());
    admin.call(Method::POST, "/drain?seconds=1", None, None).await.expect("drain");
    let goaway = socket.expect("goaway").await;
    assert!(goaway["reconnect_after_ms"].as_u64().expect("ms") < 1_000);
    assert!(admin.call(Method::GET, "/readyz", None, None).await.is_err());
    let refused = tokio_tungstenite::client_async(
        format!("ws://{}/v1/ws", node.app.address),
        tokio::net::TcpStream::connect(node.app.address).await.expect("connect"),
    );
    match refused.await {
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("a draining node took a connection: {:?}", other.is_ok()),
    }
    // Who is connected stays served until the end.
    socket.settle().await;
    drop(socket);
    let gone = async {
        while node.app.node.delivery.connections.count() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("the connection is gone");
}

#[tokio::test]
async fn a_backup_of_a_running_node_is_a_node() {
    let first = TestNode::start(&[]);
    let (mut ada, bob) = (first.person("ada").await, first.person("bob").await);
    let room = ada.direct(&bob).await;
    let mut socket = first.socket(&ada, "a").await;
    socket.send(&room, "kept").await;
    socket.expect("ack").await;
    let elsewhere = TempDir::new().expect("folder");
    let copy = elsewhere.path().join("copy");
    let (from, to) = (first.folder.path().display().to_string(), copy.display().to_string());
    let backup = tokio::task::spawn_blocking(move || node(&["backup", "--data-dir", &from, &to]));
    let (ok, said) = backup.await.expect("backup");
    assert!(ok, "{said}");
    socket.send(&room, "too late").await;
    socket.expect("ack").await;
    let second = TestNode { app: App::start(config(&copy, &[])).expect("the copy starts"), folder: elsewhere };
    let token = ada.account.token.clone();
    let page = second.http().call(Method::GET, &format!("/v1/conversations/{room}/messages"), Some(&token), None).await;
    let texts: Vec<Value> =
        page.expect("page")["items"].as_array().expect("items").iter().map(|m| m["body"]["text"].clone()).collect();
    assert_eq!(texts, [json!("kept")]);
    second.stop().await;
    let (ok, said) =
        node(&["doctor", "--listen=127.0.0.1:0", "--admin=127.0.0.1:0", "--data-dir", &copy.display().to_string()]);
    assert!(ok && said.contains("is sound"), "{said}");
}

#[test]
fn a_bad_configuration_is_told_all_at_once() {
    let folder = TempDir::new().expect("folder");
    let file = folder.path().join("node.toml");
    std::fs::write(&file, "heartbeat-seconds = 0\nlog-format = \"xml\"\n").expect("write");
    let file = file.display().to_string();
    let (ok, said) = node(&["serve", "--config", &file, "--listen=127.0.0.1:9", "--admin=127.0.0.1:9"]);
    assert!(!ok && said.contains("3 problem(s)"), "{said}");
    std::fs::write(&file, "colour = \"red\"\nshape = 1\n").expect("write");
    let (ok, said) = node(&["serve", "--config", &file]);
    assert!(!ok && said.contains("unknown settings: colour, shape"), "{said}");
}

#[tokio::test]
async fn a_connection_that_does_not_answer_pings_is_closed() {
    let node = TestNode::start(&["--heartbeat-seconds=1"]);
    let ada = node.person("ada").await;
    let socket = node.socket(&ada, "dead").await;
    let mut alive = node.socket(&ada, "alive").await;
    let gone = async {
        // Reading answers the pings of the one; nobody reads the other.
        while node.app.node.delivery.connections.count() > 1 {
            alive.settle().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("the dead connection is closed");
    alive.settle().await;
    drop(socket);
}
