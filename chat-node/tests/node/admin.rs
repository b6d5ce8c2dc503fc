//! What the operator asks of a node: how loaded it is, to drain, to take a drain back, and to shed connections.

use std::time::Duration;

use chat_node::app::App;
use elastic_chat_load::client::{Http, RestError};
use futures_util::StreamExt as _;
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_tungstenite::tungstenite::Message;

use super::harness::{DEADLINE, Person, Socket, TestNode, config};

async fn admin(node: &TestNode, method: Method, path: &str) -> Result<Value, RestError> {
    Http::new(&node.app.admin_address.to_string()).call(method, path, None, None).await
}

async fn load(node: &TestNode) -> Value {
    admin(node, Method::GET, "/load").await.expect("load")
}

fn status(answer: Result<Value, RestError>) -> u16 {
    match answer {
        Ok(_) => 200,
        Err(RestError::Status(status, _)) => status,
        Err(error) => panic!("{error}"),
    }
}

async fn sockets(node: &TestNode, person: &Person, count: usize) -> Vec<Socket> {
    let mut all = Vec::new();
    for n in 0..count {
        all.push(node.socket(person, &format!("device-{n}")).await);
    }
    all
}

/// After a round trip: the frames that had come before.
async fn heard(socket: &mut Socket) -> Vec<Value> {
    socket.say(&json!({"type": "ping", "n": 99})).await;
    let mut frames = Vec::new();
    let reading = async {
        loop {
            match socket.ws.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["type"] == "pong" {
                        return;
                    }
                    frames.push(frame);
                }
                Some(Ok(_)) => {}
                other => panic!("the socket ended: {other:?}"),
            }
        }
    };
    tokio::time::timeout(DEADLINE, reading).await.expect("a pong");
    frames
}

fn goaways(frames: &[Value]) -> usize {
    frames.iter().filter(|frame| frame["type"] == "goaway").count()
}

#[tokio::test]
async fn load_says_who_answers_and_only_to_those_with_a_token() {
    let folder = TempDir::new().expect("folder");
    let file = folder.path().join("tokens");
    std::fs::write(&file, "the-first-token\n").expect("written");
    let node = TestNode::start(&["--admin-token-file", &file.display().to_string(), "--node-id=gateway-7"]);
    let mut http = Http::new(&node.app.admin_address.to_string());
    for path in ["/livez", "/readyz"] {
        http.call(Method::GET, path, None, None).await.expect("open to all");
    }
    for (method, path) in [
        (Method::GET, "/load"),
        (Method::POST, "/drain?seconds=5"),
        (Method::DELETE, "/drain"),
        (Method::POST, "/shed?connections=1"),
    ] {
        for token in [None, Some("wrong"), Some("the-first-toke")] {
            assert_eq!(status(http.call(method.clone(), path, token, None).await), 401, "{method} {path} {token:?}");
        }
    }
    let load = http.call(Method::GET, "/load", Some("the-first-token"), None).await.expect("load");
    let text = |name: &str| load[name].as_str().unwrap_or_default().to_owned();
    assert_eq!(
        (text("node_id"), text("role"), text("state")),
        ("gateway-7".into(), "gateway".into(), "serving".into())
    );
    assert!(!text("version").is_empty() && load["uptime_seconds"].as_f64().expect("seconds") >= 0.0, "{load}");
    assert_eq!((load["connections"].as_u64(), load["sessions_cut_total"].as_u64()), (Some(0), Some(0)));
    // A rotation: both, then the new one alone.
    std::fs::write(&file, "the-first-token\nthe-second-token\n").expect("written");
    http.call(Method::GET, "/load", Some("the-second-token"), None).await.expect("the new one counts at once");
    std::fs::write(&file, "the-second-token\n").expect("written");
    assert_eq!(status(http.call(Method::GET, "/load", Some("the-first-token"), None).await), 401);
    http.call(Method::GET, "/metrics", None, None).await.expect("metrics are open to all");
}

#[test]
fn a_token_file_without_a_token_is_told_at_the_start() {
    let folder = TempDir::new().expect("folder");
    let file = folder.path().join("tokens");
    std::fs::write(&file, "\n").expect("written");
    let Err(error) = App::start(config(folder.path(), &["--admin-token-file", &file.display().to_string()])) else {
        panic!("it started");
    };
    assert!(error.to_string().contains("--admin-token-file"), "{error}");
}

#[tokio::test]
async fn a_drain_that_is_taken_back_leaves_people_where_they_are() {
    let node = TestNode::start(&[]);
    let ada = node.person("ada").await;
    let mut all = sockets(&node, &ada, 3).await;
    let drain = admin(&node, Method::POST, "/drain?seconds=3600").await.expect("drain");
    assert_eq!((drain["state"].as_str(), drain["connections"].as_u64()), (Some("draining"), Some(3)), "{drain}");
    let deadline = drain["deadline_seconds"].as_u64().expect("seconds");
    assert!((3_599..=3_600).contains(&deadline), "{drain}");
    // Neither longer, nor anew.
    let again = admin(&node, Method::POST, "/drain?seconds=1800").await.expect("drain");
    assert!(again["deadline_seconds"].as_u64().expect("seconds") >= 3_590, "{again}");
    assert_eq!(status(admin(&node, Method::GET, "/readyz").await), 503);
    assert_eq!(load(&node).await["state"], "draining");
    assert_eq!(status(admin(&node, Method::POST, "/shed?connections=1").await), 200);

    let back = admin(&node, Method::DELETE, "/drain").await.expect("taken back");
    assert_eq!((back["state"].as_str(), back["connections"].as_u64()), (Some("serving"), Some(3)), "{back}");
    assert_eq!(status(admin(&node, Method::GET, "/readyz").await), 200);
    assert_eq!(load(&node).await["state"], "serving");
    for socket in &mut all {
        assert_eq!(goaways(&heard(socket).await), 0, "nobody was asked in that time");
    }
    let mut late = node.socket(&ada, "late").await;
    assert_eq!(goaways(&heard(&mut late).await), 0);
    admin(&node, Method::DELETE, "/drain").await.expect("again: nothing happens");

    // The next drain asks everybody, those of the first one too.
    admin(&node, Method::POST, "/drain?seconds=0").await.expect("drain");
    for socket in all.iter_mut().chain([&mut late]) {
        assert_eq!(socket.expect("goaway").await["reason"], "drain");
    }
    drop((all, late));
    let drained = async {
        while load(&node).await["state"] != "drained" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(DEADLINE, drained).await.expect("drained when the last has gone");
}

/// The handshake was before the drain, the welcome comes after it.
#[tokio::test]
async fn who_comes_in_while_a_drain_begins_is_asked_to_leave_too() {
    let node = TestNode::start(&[]);
    let ada = node.person("ada").await;
    let mut socket = node.raw_socket().await;
    admin(&node, Method::POST, "/drain?seconds=1").await.expect("drain");
    socket.say(&json!({"type": "hello", "token": ada.account.token, "device_id": "a"})).await;
    socket.expect("welcome").await;
    assert_eq!(socket.expect("goaway").await["reason"], "drain");
    socket.settle().await;
    // One drain asks each but once.
    admin(&node, Method::POST, "/drain?seconds=1").await.expect("drain");
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(goaways(&heard(&mut socket).await), 0);
}

/// A busy machine makes a drain later, never earlier: at no time more are asked than were due by then.
#[tokio::test]
async fn a_drain_is_spread_over_its_time() {
    /// Of the four seconds; the rest is for those who are asked last.
    const ASKING: f64 = 2.8;
    /// The drain throws dice for fractions of a connection in each of 28 ticks: some three times their spread.
    const DICE: f64 = 8.0;
    let node = TestNode::start(&["--limit-connections-per-user=off"]);
    let ada = node.person("ada").await;
    let _all = sockets(&node, &ada, 40).await;
    let begin = tokio::time::Instant::now();
    admin(&node, Method::POST, "/drain?seconds=4").await.expect("drain");
    let asking = async {
        loop {
            // Counted first: what is due grows with the time that passes in between.
            let asked = 40 - u32::try_from(node.app.node.drain.to_ask()).expect("few");
            let seconds = begin.elapsed().as_secs_f64();
            let due = 40.0 * (seconds / ASKING).min(1.0);
            assert!(f64::from(asked) <= due + DICE, "{asked} asked after {seconds:.2} s, {due:.1} were due");
            if asked == 40 {
                return seconds;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let whole = tokio::time::timeout(DEADLINE, asking).await.expect("all are asked");
    assert!(whole > 2.2, "the last after {whole:.2} s");
}

/// Half of what one node admits in a second is asked in a second, though less time was given.
#[tokio::test]
async fn a_drain_is_no_faster_than_others_can_admit() {
    let node = TestNode::start(&["--limit-handshakes=20/2s"]);
    let ada = node.person("ada").await;
    let _all = sockets(&node, &ada, 10).await;
    let drain = admin(&node, Method::POST, "/drain?seconds=0").await.expect("drain");
    assert_eq!(drain["deadline_seconds"], 2, "10 at 5 a second: {drain}");
}

#[tokio::test]
async fn shedding_asks_as_many_as_wanted_once_each() {
    let node = TestNode::start(&[]);
    let ada = node.person("ada").await;
    let mut all = sockets(&node, &ada, 6).await;
    assert_eq!(status(admin(&node, Method::POST, "/shed").await), 400, "how many?");
    let shed = admin(&node, Method::POST, "/shed?connections=2&seconds=0").await.expect("shed");
    assert_eq!(shed, json!({"shed": 2}));
    assert_eq!(status(admin(&node, Method::GET, "/readyz").await), 200, "it stays ready");
    let mut asked = 0;
    let waiting = async {
        while asked < 2 {
            for socket in &mut all {
                let frames = heard(socket).await;
                assert!(frames.iter().all(|frame| frame["type"] != "goaway" || frame["reason"] == "rebalance"));
                asked += goaways(&frames);
            }
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.expect("two are asked");
    assert_eq!(asked, 2);
    let rest = admin(&node, Method::POST, "/shed?connections=100&seconds=0").await.expect("shed");
    assert_eq!(rest, json!({"shed": 4}), "those who were asked do not count");
}
