//! Accounts and people: what is refused, and what is told to whom.

use axum::body::Body;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::clocked::ClockedNode;
use super::harness::PASSWORD;

#[tokio::test]
async fn every_call_needs_a_token_that_this_server_signed() {
    let node = ClockedNode::start(&[]);
    let ada = node.register("ada").await;
    let parts: Vec<&str> = ada.bearer.split(['.', ' ']).collect();
    let unsigned = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
    let forged = [
        String::new(),
        "Bearer".to_owned(),
        ada.bearer.replace("Bearer", "Basic"),
        format!("Bearer {unsigned}.{}.", parts[2]),
        format!("Bearer {unsigned}.{}.{}", parts[2], parts[3]),
        format!("Bearer {}.{}.", parts[1], parts[2]),
    ];
    let id = uuid::Uuid::now_v7();
    for (method, path) in [
        (Method::POST, "/v1/auth/logout".to_owned()),
        (Method::GET, "/v1/auth/sessions".to_owned()),
        (Method::DELETE, format!("/v1/auth/sessions/{id}")),
        (Method::POST, "/v1/auth/password".to_owned()),
        (Method::GET, "/v1/me".to_owned()),
        (Method::PATCH, "/v1/me".to_owned()),
        (Method::GET, "/v1/me/blocks".to_owned()),
        (Method::PUT, format!("/v1/me/blocks/{id}")),
        (Method::DELETE, format!("/v1/me/blocks/{id}")),
        (Method::GET, "/v1/users?prefix=a".to_owned()),
        (Method::GET, format!("/v1/users/{id}")),
        (Method::POST, "/v1/files".to_owned()),
        (Method::GET, format!("/v1/files/{id}")),
        (Method::GET, format!("/v1/files/{id}/upload")),
        (Method::POST, format!("/v1/files/{id}/complete")),
    ] {
        for bearer in &forged {
            let headers = [("authorization", bearer.as_str())];
            let answer = node.send(method.clone(), &path, &headers, Body::from("{}")).await;
            assert_eq!(answer.refusal(), (401, "unauthenticated".into()), "{method} {path} {bearer}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }
}

#[tokio::test]
async fn foreign_pages_cannot_sign_a_browser_in_or_out() {
    let node = ClockedNode::start(&["--allowed-origin=https://friend.test"]);
    let ada = node.register("ada").await;
    let login = json!({"username": "ada", "password": PASSWORD});
    let newcomer = json!({"username": "newcomer", "password": PASSWORD});
    for origin in ["https://evil.test", "null", "https://chat.test.evil.test", "https://evil.test/chat.test"] {
        let from = [("origin", origin), ("cookie", ada.cookie.as_str()), ("authorization", ada.bearer.as_str())];
        for (path, body) in [
            ("/v1/auth/login", login.clone()),
            ("/v1/auth/register", newcomer.clone()),
            ("/v1/auth/refresh", Value::Null),
            ("/v1/auth/logout", Value::Null),
        ] {
            let answer = node.post(path, &from, body).await;
            assert_eq!(answer.refusal(), (403, "forbidden".into()), "{origin} {path}");
            assert!(!answer.headers.contains_key("set-cookie"));
        }
    }
    for origin in ["http://chat.test", "https://friend.test"] {
        assert_eq!(node.post("/v1/auth/login", &[("origin", origin)], login.clone()).await.status, 200, "{origin}");
    }
    assert_eq!(node.get(&ada, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn nobody_ends_the_sessions_of_others_and_logging_out_ends_ones_own() {
    let node = ClockedNode::start(&[]);
    let (ada, eve) = (node.register("ada").await, node.register("eve").await);
    let sessions = node.get(&ada, "/v1/auth/sessions").await.json();
    assert_eq!(sessions["items"][0]["current"], true);
    let path = format!("/v1/auth/sessions/{}", sessions["items"][0]["id"].as_str().expect("id"));
    assert_eq!(node.call(&eve, Method::DELETE, &path, Value::Null).await.refusal(), (404, "not_found".into()));
    let second = node.log_in("ada").await;
    assert_eq!(node.call(&second, Method::DELETE, &path, Value::Null).await.status, 204);
    assert_eq!(node.call(&second, Method::DELETE, &path, Value::Null).await.status, 404);
    assert_eq!(node.get(&ada, "/v1/me").await.refusal(), (401, "unauthenticated".into()));
    assert_eq!(node.refresh(&ada.cookie).await.status, 401);

    let out = node.call(&second, Method::POST, "/v1/auth/logout", Value::Null).await;
    assert_eq!((out.status, out.cookie().as_str()), (204, "ec_refresh="));
    assert_eq!(node.get(&second, "/v1/me").await.status, 401);
    assert_eq!(node.refresh(&second.cookie).await.status, 401);
}

#[tokio::test]
async fn a_login_tells_nothing_about_names() {
    let node = ClockedNode::start(&[]);
    node.register("ada").await;
    let mut answers = Vec::new();
    for name in ["ada", "nobody", "", "no such name!", &"x".repeat(500)] {
        let answer = node.post("/v1/auth/login", &[], json!({"username": name, "password": "wrong password"})).await;
        answers.push((answer.status, answer.json()));
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    for (body, refusal) in [
        (Body::from("{"), (400, "bad_frame")),
        (Body::from("[]"), (422, "invalid_request")),
        (Body::from(vec![b' '; 600_000]), (413, "too_large")),
    ] {
        let answer = node.send(Method::POST, "/v1/auth/login", &[], body).await;
        assert_eq!(answer.refusal(), (refusal.0, refusal.1.to_owned()));
    }
}

#[tokio::test]
async fn searching_pages_and_takes_nothing_for_a_pattern() {
    let node = ClockedNode::start(&["--limit-auth-per-address=off"]);
    let ada = node.register("ada").await;
    for name in ["bob-1", "bob-2", "bob-3"] {
        node.register(name).await;
    }
    let mut found = Vec::new();
    let mut path = "/v1/users?prefix=bob&limit=2".to_owned();
    loop {
        let page = node.get(&ada, &path).await.json();
        found.extend(page["items"].as_array().expect("items").iter().map(|user| user["username"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        assert!(found.len() < 10, "it never ends");
        path = format!("/v1/users?prefix=bob&limit=2&cursor={next}");
    }
    assert_eq!(found, ["bob-1", "bob-2", "bob-3"]);
    for pattern in ["%25", "_", "b%25", "%5C", "%27"] {
        let page = node.get(&ada, &format!("/v1/users?prefix={pattern}")).await;
        assert_eq!((page.status, &page.json()["items"]), (200, &json!([])), "{pattern}");
    }
    let ids = vec![ada.id.as_str(); 201].join(",");
    for query in [
        "prefix=bob&cursor=x".to_owned(),
        "prefix=bob&limit=0".to_owned(),
        "prefix=bob&limit=101".to_owned(),
        "ids=x".to_owned(),
        format!("ids={ids}"),
        format!("prefix={}", "b".repeat(65)),
        String::new(),
    ] {
        let refusal = node.get(&ada, &format!("/v1/users?{query}")).await.refusal();
        assert_eq!(refusal, (422, "invalid_request".into()), "{query}");
    }
}

#[tokio::test]
async fn profiles_and_blocks_refuse_what_makes_no_sense() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    for patch in [
        json!({"display_name": "admin\u{202e}x"}),
        json!({"display_name": "  "}),
        json!({"display_name": "x".repeat(65)}),
        json!({"avatar": "x"}),
        json!({"avatar": uuid::Uuid::now_v7()}),
        json!({"last_seen_visible": "yes"}),
    ] {
        let answer = node.call(&ada, Method::PATCH, "/v1/me", patch.clone()).await;
        assert_eq!(answer.refusal(), (422, "invalid_request".into()), "{patch}");
        assert!(answer.json()["errors"][0]["field"].is_string(), "{patch}");
    }
    assert_eq!(node.get(&ada, "/v1/me").await.json()["display_name"], "ada", "nothing was changed");
    assert_eq!(node.get(&bob, &format!("/v1/users/{}", ada.id)).await.json().get("password_hash"), None);
    assert_eq!(node.get(&ada, "/v1/users/not-an-id").await.status, 404);

    let block = |id: &str| format!("/v1/me/blocks/{id}");
    assert_eq!(node.call(&ada, Method::PUT, &block(&ada.id), Value::Null).await.status, 422);
    let unknown = block(&uuid::Uuid::now_v7().to_string());
    assert_eq!(node.call(&ada, Method::PUT, &unknown, Value::Null).await.status, 404);
    for _ in 0..2 {
        assert_eq!(node.call(&ada, Method::PUT, &block(&bob.id), Value::Null).await.status, 204, "repeatable");
    }
    assert_eq!(node.get(&ada, "/v1/me/blocks").await.json()["items"][0]["username"], "bob");
    assert_eq!(node.get(&bob, "/v1/me/blocks").await.json()["items"], json!([]), "nobody sees that they are blocked");
    for _ in 0..2 {
        assert_eq!(node.call(&ada, Method::DELETE, &block(&bob.id), Value::Null).await.status, 204);
    }
    assert_eq!(node.get(&ada, "/v1/me/blocks").await.json()["items"], json!([]));
}
