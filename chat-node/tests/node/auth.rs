use chat_core::{SessionId, Timestamp, UserId};
use chat_node::auth::AccessTokens;
use chat_wire::rest::SignedIn;
use elastic_chat_load::client::{Http, RestError};
use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::harness::{PASSWORD, TestNode};

/// One call with its own headers: status, cookie, body.
async fn call(
    node: &TestNode,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> (StatusCode, Option<String>, Value) {
    let socket = TcpStream::connect(node.app.address).await.expect("connect");
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await.expect("handshake");
    let task = tokio::spawn(connection);
    let mut request = Request::post(path).header("host", node.authority());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender
        .send_request(request.body(Full::<bytes::Bytes>::from(body.to_string())).expect("request"))
        .await
        .expect("answer");
    let cookie = response.headers().get("set-cookie").map(|cookie| cookie.to_str().expect("text").to_owned());
    let status = response.status();
    let bytes = response.into_body().collect().await.expect("body").to_bytes();
    task.abort();
    (status, cookie, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn pair(cookie: &str) -> String {
    cookie.split(';').next().expect("cookie").to_owned()
}

async fn code(http: &mut Http, path: &str, token: Option<&str>) -> (u16, String) {
    match http.call(Method::GET, path, token, None).await {
        Err(RestError::Status(status, problem)) => (status, problem["code"].as_str().unwrap_or_default().to_owned()),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn registering_and_logging_in() {
    let node = TestNode::start(&[]);
    let register = json!({"username": "Ada", "password": PASSWORD, "display_name": "Ada L."});
    let (status, cookie, body) = call(&node, "/v1/auth/register", &[], register.clone()).await;
    assert_eq!(status, 201);
    let signed: SignedIn = serde_json::from_value(body).expect("the documented shape");
    assert_eq!(
        (signed.user.username.as_str(), signed.user.display_name.as_str(), signed.expires_in),
        ("ada", "Ada L.", 900)
    );
    let cookie = cookie.expect("a refresh cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/v1/auth"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(call(&node, "/v1/auth/register", &[], register).await.2["code"], "username_taken");
    let wrong = call(&node, "/v1/auth/login", &[], json!({"username": "ada", "password": "wrong password"})).await;
    let nobody = call(&node, "/v1/auth/login", &[], json!({"username": "nobody", "password": "wrong password"})).await;
    assert_eq!((wrong.0, &wrong.2), (nobody.0, &nobody.2));
    assert_eq!((wrong.0.as_u16(), wrong.2["code"].as_str()), (401, Some("unauthenticated")));
    for (body, field) in [
        (json!({"username": "a", "password": PASSWORD}), "3 to 32"),
        (json!({"username": "ada2", "password": "short"}), "8 to 256"),
        (json!({"password": PASSWORD}), "username"),
    ] {
        let (status, _, problem) = call(&node, "/v1/auth/register", &[], body).await;
        assert_eq!((status.as_u16(), problem["code"].as_str()), (422, Some("invalid_request")));
        assert!(problem["errors"][0]["field"].is_string(), "{problem}");
        assert!(problem["detail"].as_str().expect("detail").contains(field), "{problem}");
    }
}

#[tokio::test]
async fn expired_and_forged_tokens_are_told_apart() {
    let node = TestNode::start(&[]);
    let ada = node.person("ada").await;
    let key: [u8; 32] =
        std::fs::read(node.folder.path().join("signing.key")).expect("key").try_into().expect("32 bytes");
    let long_ago = Timestamp::from_millis(1_600_000_000_000);
    let session = SessionId::new(uuid::Uuid::now_v7());
    let user = UserId::new(ada.account.user);
    let expired = AccessTokens::new(&key).issue(user, session, long_ago).expect("token");
    let now = Timestamp::from_millis(4_000_000_000_000);
    let foreign = AccessTokens::new(&[9; 32]).issue(user, session, now).expect("token");
    let sessionless = AccessTokens::new(&key).issue(user, session, now).expect("token");
    let mut http = node.http();
    for (token, expected) in [
        (Some(expired.as_str()), "token_expired"),
        (Some(foreign.as_str()), "unauthenticated"),
        (Some(sessionless.as_str()), "unauthenticated"),
        (Some("x"), "unauthenticated"),
        (None, "unauthenticated"),
    ] {
        assert_eq!(code(&mut http, "/v1/me", token).await, (401, expected.to_owned()));
    }
    let mut socket = node.raw_socket().await;
    socket.say(&json!({"type": "hello", "token": expired, "device_id": "a"})).await;
    assert_eq!(socket.expect_close().await, 4401);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_theft_ends_the_session() {
    let node = TestNode::start(&[]);
    let (_, first, body) =
        call(&node, "/v1/auth/register", &[], json!({"username": "ada", "password": PASSWORD})).await;
    let first = pair(&first.expect("cookie"));
    let foreign = [("cookie", first.as_str()), ("origin", "https://evil.example")];
    assert_eq!(call(&node, "/v1/auth/refresh", &foreign, Value::Null).await.0, 403);
    let (status, second, _) = call(&node, "/v1/auth/refresh", &[("cookie", &first)], Value::Null).await;
    assert_eq!(status, 200);
    let second = pair(&second.expect("a new cookie"));
    assert_ne!(first, second);
    // Its answer may have been lost: for a while the one before still works, and gives the same answer.
    let (status, third, _) = call(&node, "/v1/auth/refresh", &[("cookie", &first)], Value::Null).await;
    assert_eq!((status.as_u16(), third.as_deref().map(pair)), (200, Some(second.clone())));
    assert_eq!(call(&node, "/v1/auth/refresh", &[("cookie", &second)], Value::Null).await.0, 200);
    let other = second.replace(&second[second.len() - 4..], "AAAA");
    assert_eq!(call(&node, "/v1/auth/refresh", &[("cookie", &other)], Value::Null).await.0, 401);
    let token = body["access_token"].as_str().expect("token");
    assert!(node.http().call(Method::GET, "/v1/me", Some(token), None).await.is_ok());
}

#[tokio::test]
async fn a_session_that_ends_is_refused_everywhere_at_once() {
    let node = TestNode::start(&[]);
    let mut here = node.person("ada").await;
    let login = json!({"username": "ada", "password": PASSWORD});
    let there = node.http().call(Method::POST, "/v1/auth/login", None, Some(login)).await.expect("login");
    let there = there["access_token"].as_str().expect("token").to_owned();
    let sessions = here.get("/v1/auth/sessions").await;
    assert_eq!(sessions["items"].as_array().expect("items").len(), 2);
    let mut socket = node.raw_socket().await;
    socket.say(&json!({"type": "hello", "token": there, "device_id": "there"})).await;
    socket.expect("welcome").await;
    here.post("/v1/auth/password", json!({"current_password": PASSWORD, "new_password": "battery staple"})).await;
    assert_eq!(socket.expect_close().await, 4401);
    assert_eq!(code(&mut node.http(), "/v1/me", Some(&there)).await.1, "unauthenticated");
    here.get("/v1/me").await;
    let refused = here
        .refused(
            Method::POST,
            "/v1/auth/password",
            json!({"current_password": PASSWORD, "new_password": "x".repeat(9)}),
        )
        .await;
    assert_eq!(refused, (422, "invalid_request".into()));
}

#[tokio::test]
async fn guessing_is_slowed_down() {
    let node = TestNode::start(&["--limit-auth-per-address=3/60s"]);
    let guess = json!({"username": "ada", "password": "a guess at it"});
    for _ in 0..3 {
        assert_eq!(call(&node, "/v1/auth/login", &[], guess.clone()).await.0, 401);
    }
    let (status, _, problem) = call(&node, "/v1/auth/login", &[], guess).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (429, Some("rate_limited")));
    assert!(problem["retry_after_ms"].as_u64().expect("a time") > 1_000);
}

#[tokio::test]
async fn people_are_found_and_show_what_they_want() {
    let node = TestNode::start(&[]);
    let (mut ada, mut bob) = (node.person("ada").await, node.person("bob.b").await);
    bob.call(Method::PATCH, "/v1/me", json!({"display_name": "Robert Tables", "status_text": "here"}))
        .await
        .expect("patch");
    for prefix in ["bob", "ROB", "tab"] {
        let found = ada.get(&format!("/v1/users?prefix={prefix}")).await;
        assert_eq!(found["items"][0]["display_name"], "Robert Tables", "{prefix}");
    }
    assert_eq!(
        ada.get(&format!("/v1/users?ids={},{}", bob.id(), uuid::Uuid::now_v7())).await["items"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(ada.refused(Method::GET, "/v1/users?prefix=", Value::Null).await, (422, "invalid_request".into()));
    let room = ada.direct(&bob).await;
    bob.call(Method::PUT, &format!("/v1/me/blocks/{}", ada.id()), Value::Null).await.expect("block");
    let message = json!({"client_msg_id": uuid::Uuid::now_v7(), "body": {"text": "hey"}});
    let path = format!("/v1/conversations/{room}/messages");
    assert_eq!(ada.refused(Method::POST, &path, message.clone()).await, (403, "forbidden".into()));
    bob.call(Method::DELETE, &format!("/v1/me/blocks/{}", ada.id()), Value::Null).await.expect("unblock");
    ada.post(&path, message).await;
    bob.call(Method::PATCH, "/v1/me", json!({"status_text": null, "last_seen_visible": false})).await.expect("patch");
    drop(node.socket(&bob, "b").await);
    let seen = ada.get(&format!("/v1/users/{}", bob.id())).await;
    assert!(seen.get("last_seen").is_none() && seen.get("status_text").is_none(), "{seen}");
}
