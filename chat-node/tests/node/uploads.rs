//! What uploads and links are refused for, and how files are served.

use std::fmt::Write as _;
use std::path::Path;

use axum::body::{Body, Bytes};
use axum::http::Method;
use chat_core::{FileId, Timestamp};
use chat_node::files::Purpose;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::clocked::{Answer, ClockedNode, Login};

pub fn path_of(url: &Value) -> String {
    let url = url.as_str().expect("url");
    url.split_once("/v1/").map(|(_, rest)| format!("/v1/{rest}")).expect("path")
}

/// Plain files below a folder, temporary ones too.
pub fn file_count(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .map(|entry| entry.expect("entry").path())
        .map(|path| if path.is_dir() { file_count(&path) } else { 1 })
        .sum()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub async fn announce(node: &ClockedNode, login: &Login, room: Value, name: &str, kind: &str, bytes: &[u8]) -> Value {
    let body = json!({"name": name, "size": bytes.len(), "type": kind, "sha256": sha256(bytes), "conversation": room});
    let answer = node.call(login, Method::POST, "/v1/files", body).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    answer.json()
}

async fn complete(node: &ClockedNode, login: &Login, id: &str) -> Answer {
    node.call(login, Method::POST, &format!("/v1/files/{id}/complete"), Value::Null).await
}

/// Announced, sent and completed: its id.
async fn put(node: &ClockedNode, login: &Login, room: Value, name: &str, kind: &str, bytes: &[u8]) -> String {
    let file = announce(node, login, room, name, kind, bytes).await;
    let sent = node.send(Method::PUT, &path_of(&file["upload"]["url"]), &[], Body::from(bytes.to_vec())).await;
    assert_eq!(sent.status, 200);
    let id = file["id"].as_str().expect("id").to_owned();
    assert_eq!(complete(node, login, &id).await.status, 200);
    id
}

/// A body without a length, in pieces; an error in the end when it is cut off.
fn stream(pieces: &[&'static [u8]], cut: bool) -> Body {
    let mut pieces: Vec<Result<Bytes, std::io::Error>> =
        pieces.iter().map(|piece| Ok(Bytes::from_static(piece))).collect();
    if cut {
        pieces.push(Err(std::io::ErrorKind::ConnectionReset.into()));
    }
    Body::from_stream(futures_util::stream::iter(pieces))
}

#[tokio::test]
async fn a_body_of_another_size_is_refused_while_it_streams() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    let room = node.direct(&ada, &bob).await;
    let file = announce(&node, &ada, json!(room), "a.bin", "a/b", b"0123456789").await;
    let (id, path) = (file["id"].as_str().expect("id"), path_of(&file["upload"]["url"]));
    for (body, refusal) in [
        (stream(&[b"01234", b"56789", b"0"], false), (413, "too_large")),
        (stream(&[b"01234"], false), (409, "upload_incomplete")),
        (stream(&[b"01234"], true), (409, "upload_incomplete")),
        (stream(&[b"01234", b"56789"], true), (409, "upload_incomplete")),
        (Body::empty(), (409, "upload_incomplete")),
    ] {
        let refused = node.send(Method::PUT, &path, &[], body).await;
        assert_eq!(refused.refusal(), (refusal.0, refusal.1.to_owned()));
        assert_eq!(node.get(&ada, &format!("/v1/files/{id}/upload")).await.json(), json!({"received": []}));
        assert_eq!(complete(&node, &ada, id).await.refusal(), (409, "upload_incomplete".into()));
    }
    assert_eq!(file_count(&node.folder.path().join("files")), 0, "nothing stays of a refused upload");
    assert_eq!(node.send(Method::PUT, &path, &[], stream(&[b"01234", b"56789"], false)).await.status, 200);
    assert_eq!(complete(&node, &ada, id).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn completing_at_the_same_time_gives_one_file() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    let room = node.direct(&ada, &bob).await;
    let file = announce(&node, &ada, json!(room), "a.bin", "a/b", b"0123456789").await;
    let id = file["id"].as_str().expect("id");
    node.send(Method::PUT, &path_of(&file["upload"]["url"]), &[], Body::from("0123456789")).await;
    let all = futures_util::future::join_all((0..8).map(|_| complete(&node, &ada, id))).await;
    for answer in &all {
        assert_eq!((answer.status, answer.json()), (200, all[0].json()));
    }
    let again = complete(&node, &ada, id).await;
    assert_eq!((again.status, again.json()["sha256"].as_str()), (200, Some(sha256(b"0123456789").as_str())));
    let link = node.get(&ada, &format!("/v1/files/{id}")).await.header("location").to_owned();
    assert_eq!(node.send(Method::GET, &link, &[], Body::empty()).await.bytes, b"0123456789");
}

#[tokio::test]
async fn a_signature_is_good_for_its_file_part_and_purpose_only() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    let room = node.direct(&ada, &bob).await;
    let file = announce(&node, &ada, json!(room), "a.bin", "a/b", b"hello").await;
    let other = put(&node, &ada, json!(room), "secret", "a/b", b"other").await;
    let id = file["id"].as_str().expect("id");
    let upload = path_of(&file["upload"]["url"]);
    let query = upload.split_once('?').expect("query").1;
    let expires = query.split(['=', '&']).nth(1).expect("expires");
    let later = query.replace(expires, &(expires.parse::<i64>().expect("seconds") + 1).to_string());
    for (method, path) in [
        (Method::GET, format!("/v1/blobs/{id}?{query}")),
        (Method::GET, format!("/v1/blobs/{other}?{query}")),
        (Method::PUT, format!("/v1/blobs/{id}/2?{query}")),
        (Method::PUT, format!("/v1/blobs/{other}/1?{query}")),
        (Method::PUT, format!("/v1/blobs/{id}/1?{later}")),
        (Method::PUT, format!("/v1/blobs/{id}/1?expires={expires}&signature=")),
    ] {
        let refused = node.send(method, &path, &[], Body::from("hello")).await;
        assert_eq!(refused.refusal(), (403, "forbidden".into()), "{path}");
    }
    let id: FileId = id.parse().expect("id");
    for part in [0, 2, u32::MAX] {
        let path = node.node.files.links.path(id, Purpose::Upload { part }, Timestamp::from_millis(4_000_000_000_000));
        assert_eq!(node.send(Method::PUT, &path, &[], Body::from("hello")).await.status, 404, "part {part}");
    }
    let link = node.get(&ada, &format!("/v1/files/{other}")).await.header("location").to_owned();
    for forged in [link.replace(&other, &id.to_string()), link.replace("signature=", "signature=%2e")] {
        assert_eq!(node.send(Method::GET, &forged, &[], Body::empty()).await.status, 403, "{forged}");
    }
}

#[tokio::test]
async fn only_true_images_are_shown_inline_and_names_are_tame() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    let room = json!(node.direct(&ada, &bob).await);
    let png = b"\x89PNG\r\n\x1a\nrest".as_slice();
    let page = b"<html><script>".as_slice();
    for (bytes, declared, served, inline, name, shown) in [
        (png, "text/html", "image/png", true, "a.png", "a.png"),
        (page, "image/png", "application/octet-stream", false, "..\\..\\a.png", "a.png"),
        (page, "image/bmp", "image/bmp", false, "/etc/passwd", "passwd"),
        (page, "image/svg+xml", "application/octet-stream", false, "x\u{202e}gpj.svg", "xgpj.svg"),
        (page, "text/html; charset=utf-8", "application/octet-stream", false, ". .htaccess", "htaccess"),
        (page, "a/b\r\nset-cookie: x", "application/octet-stream", false, "a\r\nset-cookie: x", "aset-cookie: x"),
    ] {
        let id = put(&node, &ada, room.clone(), name, declared, bytes).await;
        let link = node.get(&bob, &format!("/v1/files/{id}")).await.header("location").to_owned();
        let answer = node.send(Method::GET, &link, &[], Body::empty()).await;
        assert_eq!((answer.status, answer.bytes.as_slice(), answer.header("content-type")), (200, bytes, served));
        let disposition = answer.header("content-disposition");
        assert_eq!(disposition.starts_with("inline"), inline, "{declared}: {disposition}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert!(answer.header("content-security-policy").contains("sandbox"));
        assert!(answer.header("cache-control").contains("private"));
        assert!(!answer.headers.contains_key("set-cookie"));
        assert_eq!(complete(&node, &ada, &id).await.json()["name"], shown);
    }
}

#[tokio::test]
async fn files_stay_within_their_conversation() {
    let node = ClockedNode::start(&[]);
    let (ada, bob, eve) = (node.register("ada").await, node.register("bob").await, node.register("eve").await);
    let room = json!(node.direct(&ada, &bob).await);
    let body = |room: &Value, digest: &str, size: u64| json!({"name": "x", "size": size, "type": "a/b", "sha256": digest, "conversation": room});
    let digest = sha256(b"x");
    let create = async |login: &Login, body: Value| node.call(login, Method::POST, "/v1/files", body).await.refusal();
    assert_eq!(create(&eve, body(&room, &digest, 1)).await, (404, "not_found".into()));
    let nowhere = json!(uuid::Uuid::now_v7());
    assert_eq!(create(&eve, body(&nowhere, &digest, 1)).await, (404, "not_found".into()), "told alike");
    assert_eq!(create(&ada, body(&room, &"+1".repeat(32), 1)).await, (422, "invalid_request".into()));
    assert_eq!(create(&ada, body(&Value::Null, &digest, (1 << 20) + 1)).await, (413, "too_large".into()));
    assert_eq!(create(&ada, body(&room, &digest, u64::MAX)).await, (413, "too_large".into()));

    let group = json!({"kind": "group", "title": "Crew", "members": [eve.id]});
    let group = node.call(&ada, Method::POST, "/v1/conversations", group).await.json()["id"].clone();
    let id = put(&node, &ada, group.clone(), "x", "a/b", b"x").await;
    let path = format!("/v1/files/{id}?redirect=false");
    assert_eq!(node.get(&eve, &path).await.status, 200);
    assert_eq!(node.get(&eve, &format!("/v1/files/{id}/upload")).await.status, 404, "only its owner asks");
    let member = format!("/v1/conversations/{}/members/{}", group.as_str().expect("id"), eve.id);
    assert_eq!(node.call(&ada, Method::DELETE, &member, Value::Null).await.status, 204);
    assert_eq!(node.get(&eve, &path).await.status, 404, "no longer a member");
    let pending = announce(&node, &ada, room.clone(), "x", "a/b", b"x").await;
    let path = format!("/v1/files/{}", pending["id"].as_str().expect("id"));
    assert_eq!(node.get(&ada, &path).await.status, 404, "not complete");
    assert_eq!(node.get(&ada, "/v1/files/..%2f..%2fsigning.key").await.status, 404);

    // A picture of a conversation is no avatar, nor is somebody else's.
    let png = b"\x89PNG\r\n\x1a\nrest";
    let shared = put(&node, &ada, room, "a.png", "image/png", png).await;
    let own = put(&node, &ada, Value::Null, "a.png", "image/png", png).await;
    let patch = async |login: &Login, file: &str| {
        node.call(login, Method::PATCH, "/v1/me", json!({"avatar": file})).await.refusal().0
    };
    assert_eq!((patch(&ada, &shared).await, patch(&eve, &own).await, patch(&ada, &own).await), (422, 422, 200));
    assert_eq!(node.get(&eve, &format!("/v1/users/{}", ada.id)).await.json()["avatar"], json!(own));
    assert_eq!(node.call(&ada, Method::PATCH, "/v1/me", json!({"avatar": null})).await.status, 200);
    assert!(node.get(&ada, "/v1/me").await.json().get("avatar").is_none());
}
