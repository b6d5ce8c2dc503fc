//! Files and logins across nodes.

use cluster_tests::{Person, Rig, Shape};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, body::Bytes};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;

/// Any request with bytes both ways: status, location, body.
pub async fn raw(
    authority: &str,
    method: Method,
    path: &str,
    token: Option<&str>,
    body: Vec<u8>,
) -> (u16, String, Bytes) {
    let socket = TcpStream::connect(authority).await.expect("a connection");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("a handshake");
    let task = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", authority);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = sender.send_request(request.body(Full::new(Bytes::from(body))).expect("a request")).await;
    let (head, body) = answer.expect("an answer").into_parts();
    let bytes = body.collect().await.expect("a body").to_bytes();
    task.abort();
    let location = head.headers.get("location").map_or("", |value| value.to_str().expect("text")).to_owned();
    (head.status.as_u16(), location, bytes)
}

pub fn path_of(url: &str) -> String {
    url.find("/v1/").map(|at| url[at..].to_owned()).expect("an address of ours")
}

/// Declared at one node, uploaded in parts to two others, completed at the third, read at the first: through S3.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_through_all_nodes() {
    let rig = Rig::start(Shape::One);
    let nodes = [1, 2, 3].map(|n| rig.node(n).to_string());
    let (ada, bob, eve) =
        (Person::new(&nodes[0], "ada").await, Person::new(&nodes[1], "bob").await, Person::new(&nodes[2], "eve").await);
    let room = ada.group(&[&bob]).await;
    // Two parts: one of 8 MiB and a bit.
    let bytes: Vec<u8> = (0..9u32 << 20).map(|n| u8::try_from(n % 251).expect("small")).collect();
    let hash = Sha256::digest(&bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let body = json!({"name": "big.bin", "size": bytes.len(), "type": "application/octet-stream", "sha256": hash, "conversation": room});
    let file = ada.call(Method::POST, "/v1/files", Some(body)).await.expect("declared");
    let id = file["id"].as_str().expect("an id");
    let parts = file["upload"]["parts"].as_array().cloned().unwrap_or_default();
    assert_eq!(parts.len(), 2, "{file}");
    let size = usize::try_from(file["upload"]["part_size"].as_u64().expect("a size")).expect("small");
    for ((part, node), bytes) in parts.iter().zip(&nodes[1..]).zip(bytes.chunks(size)) {
        let path = path_of(part["url"].as_str().expect("an address"));
        let (status, _, answer) = raw(node, Method::PUT, &path, None, bytes.to_vec()).await;
        assert_eq!(status, 200, "{answer:?}");
    }
    ada.call_at(&nodes[2], Method::POST, &format!("/v1/files/{id}/complete"), None).await.expect("complete");
    let path = format!("/v1/files/{id}");
    let (status, location, _) = raw(&nodes[0], Method::GET, &path, Some(&bob.account.token), Vec::new()).await;
    assert_eq!(status, 302);
    let (status, _, read) = raw(&nodes[1], Method::GET, &path_of(&location), None, Vec::new()).await;
    assert_eq!(status, 200);
    assert!(read == bytes, "what came down is what went up");
    let (status, ..) = raw(&nodes[0], Method::GET, &path, Some(&eve.account.token), Vec::new()).await;
    assert_eq!(status, 404, "not a member");
}

/// Logging out on one node ends the socket on another, and the token is worth nothing anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_logout_is_heard_on_every_node() {
    let rig = Rig::start(Shape::One);
    let [one, two, three] = [1, 2, 3].map(|n| rig.node(n).to_string());
    let ada = Person::new(&one, "ada").await;
    let (mut socket, _) = ada.socket(&two, "a", Value::Null).await;
    ada.call_at(&three, Method::GET, "/v1/me", None).await.expect("signed in");
    ada.call(Method::POST, "/v1/auth/logout", None).await.expect("logged out");
    let ended = async { while socket.next().await.is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(5), ended).await.expect("the socket on the other node ends");
    let refused = cluster_tests::until("every node to refuse the token", async || {
        ada.call_at(&three, Method::GET, "/v1/me", None).await.err()
    })
    .await;
    assert!(refused.to_string().contains("401"), "{refused}");
}
