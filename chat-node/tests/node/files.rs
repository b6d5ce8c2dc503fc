use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::harness::{Person, TestNode};

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Any request, with bytes both ways.
async fn raw(
    node: &TestNode,
    method: Method,
    path: &str,
    range: Option<&str>,
    body: Vec<u8>,
) -> (u16, hyper::HeaderMap, Vec<u8>) {
    let socket = TcpStream::connect(node.app.address).await.expect("connect");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("handshake");
    let task = tokio::spawn(connection);
    let mut request = Request::builder().method(method).uri(path).header("host", node.authority());
    if let Some(range) = range {
        request = request.header("range", range);
    }
    let response =
        sender.send_request(request.body(Full::<bytes::Bytes>::from(body)).expect("request")).await.expect("answer");
    let (head, body) = response.into_parts();
    let bytes = body.collect().await.expect("body").to_bytes().to_vec();
    task.abort();
    (head.status.as_u16(), head.headers, bytes)
}

fn path_of(url: &Value) -> String {
    let url = url.as_str().expect("url");
    url.split_once("/v1/").map(|(_, rest)| format!("/v1/{rest}")).expect("path")
}

async fn create(person: &mut Person, room: &str, name: &str, media_type: &str, bytes: &[u8]) -> Value {
    let body =
        json!({"name": name, "size": bytes.len(), "type": media_type, "sha256": sha256(bytes), "conversation": room});
    person.post("/v1/files", body).await
}

#[tokio::test]
async fn a_file_goes_up_is_sent_and_comes_down_for_members_only() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob, mut cat) = (node.person("ada").await, node.person("bob").await, node.person("cat").await);
    let room = ada.direct(&bob).await;
    let bytes = b"The quick brown fox".repeat(1_000);
    let file = create(&mut ada, &room, "../../etc/fox\r\n.html", "text/html", &bytes).await;
    let id = file["id"].as_str().expect("id").to_owned();
    let complete = format!("/v1/files/{id}/complete");
    assert_eq!(ada.refused(Method::POST, &complete, Value::Null).await, (409, "upload_incomplete".into()));
    assert_eq!(bob.refused(Method::POST, &complete, Value::Null).await, (404, "not_found".into()));
    assert_eq!(raw(&node, Method::PUT, &path_of(&file["upload"]["url"]), None, bytes.clone()).await.0, 200);
    assert_eq!(ada.get(&format!("/v1/files/{id}/upload")).await, json!({"received": [1]}));
    let info = ada.post(&complete, Value::Null).await;
    assert_eq!((info["name"].as_str(), info["type"].as_str()), (Some("fox.html"), Some("application/octet-stream")));
    assert_eq!(ada.post(&complete, Value::Null).await, info);

    let mut socket = node.socket(&ada, "a").await;
    let frame = |attachment: &str| json!({"type": "send", "conversation": room, "client_msg_id": uuid::Uuid::now_v7(), "body": {"attachments": [attachment]}});
    socket.say(&frame(&id)).await;
    let event = socket.expect("event").await;
    assert_eq!(event["body"]["attachments"][0]["size"].as_u64(), Some(bytes.len() as u64));
    socket.say(&frame(&uuid::Uuid::now_v7().to_string())).await;
    assert_eq!(socket.expect_error().await, "invalid_request");

    assert_eq!(cat.refused(Method::GET, &format!("/v1/files/{id}"), Value::Null).await, (404, "not_found".into()));
    let link = bob.get(&format!("/v1/files/{id}?redirect=false")).await;
    let path = path_of(&link["url"]);
    let (status, headers, got) = raw(&node, Method::GET, &path, None, Vec::new()).await;
    assert_eq!((status, got == bytes), (200, true));
    assert!(headers["content-disposition"].to_str().expect("text").starts_with("attachment"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    let (status, headers, got) = raw(&node, Method::GET, &path, Some("bytes=4-8"), Vec::new()).await;
    assert_eq!(
        (status, got.as_slice(), headers["content-range"].to_str().expect("text")),
        (206, b"quick".as_slice(), "bytes 4-8/19000")
    );
    for tampered in [
        path.replace("signature=", "signature=A"),
        path.replace("expires=", "expires=9"),
        path.split('?').next().expect("path").to_owned(),
    ] {
        assert!(matches!(raw(&node, Method::GET, &tampered, None, Vec::new()).await.0, 403 | 422), "{tampered}");
    }
}

#[tokio::test]
async fn wrong_bytes_and_cut_off_uploads_leave_nothing() {
    let node = TestNode::start(&["--limit-file-bytes=1000000"]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let bytes = vec![7u8; 50_000];
    let file = create(&mut ada, &room, "x.bin", "application/octet-stream", &bytes).await;
    let (id, path) = (file["id"].as_str().expect("id").to_owned(), path_of(&file["upload"]["url"]));
    let complete = format!("/v1/files/{id}/complete");

    let mut socket = TcpStream::connect(node.app.address).await.expect("connect");
    let head = format!("PUT {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 50000\r\n\r\n");
    socket.write_all(head.as_bytes()).await.expect("write");
    socket.write_all(&bytes[..20_000]).await.expect("write");
    drop(socket);
    assert_eq!(ada.get(&format!("/v1/files/{id}/upload")).await, json!({"received": []}));

    assert_eq!(raw(&node, Method::PUT, &path, None, vec![7; 50_001]).await.0, 413);
    assert_eq!(raw(&node, Method::PUT, &path, None, vec![7; 49_999]).await.0, 422);
    assert_eq!(raw(&node, Method::PUT, &path, None, vec![8; 50_000]).await.0, 200);
    assert_eq!(ada.refused(Method::POST, &complete, Value::Null).await, (422, "checksum_mismatch".into()));
    assert_eq!(raw(&node, Method::PUT, &path, None, bytes).await.0, 200);
    ada.post(&complete, Value::Null).await;
    assert_eq!(raw(&node, Method::PUT, &path, None, vec![7; 50_000]).await.0, 409);

    let body =
        |size: u64, sha: &str| json!({"name": "x", "size": size, "type": "a/b", "sha256": sha, "conversation": room});
    let digest = "a".repeat(64);
    assert_eq!(ada.refused(Method::POST, "/v1/files", body(1_000_001, &digest)).await, (413, "too_large".into()));
    assert_eq!(ada.refused(Method::POST, "/v1/files", body(0, &digest)).await, (422, "invalid_request".into()));
    assert_eq!(ada.refused(Method::POST, "/v1/files", body(1, "xyz")).await, (422, "invalid_request".into()));
}

#[tokio::test]
async fn large_files_go_up_in_parts_in_any_order() {
    let node = TestNode::start(&[]);
    let (mut ada, bob) = (node.person("ada").await, node.person("bob").await);
    let room = ada.direct(&bob).await;
    let bytes: Vec<u8> = (0..20_000_000u32).map(|n| n.to_le_bytes()[1]).collect();
    let file = create(&mut ada, &room, "big.bin", "application/octet-stream", &bytes).await;
    let (id, upload) = (file["id"].as_str().expect("id"), &file["upload"]);
    let size = usize::try_from(upload["part_size"].as_u64().expect("part size")).expect("fits");
    let parts = upload["parts"].as_array().expect("parts");
    assert_eq!(parts.len(), bytes.len().div_ceil(size));
    for number in [3, 1, 1, 2] {
        let part = bytes.chunks(size).nth(number - 1).expect("part").to_vec();
        assert_eq!(raw(&node, Method::PUT, &path_of(&parts[number - 1]["url"]), None, part).await.0, 200);
    }
    ada.post(&format!("/v1/files/{id}/complete"), Value::Null).await;
    let link = ada.get(&format!("/v1/files/{id}?redirect=false")).await;
    assert!(raw(&node, Method::GET, &path_of(&link["url"]), None, Vec::new()).await.2 == bytes, "the bytes differ");
    let left = std::fs::read_dir(node.folder.path().join("files/uploads").join(id)).map_or(0, Iterator::count);
    assert_eq!(left, 0);
}

#[tokio::test]
async fn an_avatar_must_be_an_image_and_everybody_may_see_it() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob) = (node.person("ada").await, node.person("bob").await);
    for (bytes, good) in [(b"\x89PNG\r\n\x1a\nrest".to_vec(), true), (b"<svg onload=x>".to_vec(), false)] {
        let body = json!({"name": "me.png", "size": bytes.len(), "type": "image/png", "sha256": sha256(&bytes)});
        let file = ada.post("/v1/files", body).await;
        raw(&node, Method::PUT, &path_of(&file["upload"]["url"]), None, bytes).await;
        let id = file["id"].as_str().expect("id");
        let complete = ada.call(Method::POST, &format!("/v1/files/{id}/complete"), Value::Null).await;
        assert_eq!(complete.is_ok(), good);
        let patched = ada.call(Method::PATCH, "/v1/me", json!({"avatar": id})).await;
        assert_eq!(patched.is_ok(), good);
        if good {
            bob.get(&format!("/v1/files/{id}?redirect=false")).await;
        }
    }
}
