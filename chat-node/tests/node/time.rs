//! What ends, and when.

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};

use super::clocked::{ClockedNode, DAY, SECOND};
use super::uploads::{announce, file_count, path_of};

#[tokio::test]
async fn an_access_token_lives_fifteen_minutes_and_a_session_thirty_days_from_its_last_use() {
    let node = ClockedNode::start(&[]);
    let ada = node.register("ada").await;
    node.pass(899 * SECOND);
    assert_eq!(node.get(&ada, "/v1/me").await.status, 200);
    node.pass(SECOND);
    assert_eq!(node.get(&ada, "/v1/me").await.refusal(), (401, "token_expired".into()));
    let mut cookie = ada.cookie;
    for _ in 0..3 {
        node.pass(29 * DAY);
        let answer = node.refresh(&cookie).await;
        assert_eq!(answer.status, 200);
        cookie = answer.cookie();
    }
    node.pass(30 * DAY);
    let over = node.refresh(&cookie).await;
    assert_eq!(over.refusal(), (401, "unauthenticated".into()));
    assert!(over.header("set-cookie").contains("Max-Age=0"), "the browser forgets it");
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_late_ends_the_family() {
    let node = ClockedNode::start(&[]);
    let ada = node.register("ada").await;
    let answer = node.refresh(&ada.cookie).await;
    let (second, bearer) =
        (answer.cookie(), format!("Bearer {}", answer.json()["access_token"].as_str().expect("token")));
    node.pass(29 * SECOND);
    let grace = node.refresh(&ada.cookie).await;
    assert_eq!((grace.status, grace.cookie()), (200, second.clone()), "its answer may have been lost");
    node.pass(SECOND);
    assert_eq!(node.refresh(&ada.cookie).await.refusal(), (401, "unauthenticated".into()));
    assert_eq!(node.refresh(&second).await.refusal(), (401, "unauthenticated".into()), "the thief's or the owner's");
    let newest = node.send(Method::GET, "/v1/me", &[("authorization", &bearer)], Body::empty()).await;
    assert_eq!(newest.refusal(), (401, "unauthenticated".into()));
    assert_eq!(node.get(&node.log_in("ada").await, "/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_lost_answer_to_a_refresh_logs_nobody_out() {
    let node = ClockedNode::start(&[]);
    let ada = node.register("ada").await;
    // The page was loaded anew before the answer came, and its other tab asked at the same time.
    node.refresh(&ada.cookie).await;
    let cookies = futures_util::future::join_all((0..4).map(|_| node.refresh(&ada.cookie))).await;
    let mut cookie = cookies[0].cookie();
    assert!(cookies.iter().all(|answer| answer.status == 200 && answer.cookie() == cookie));
    for _ in 0..3 {
        node.pass(900 * SECOND);
        let answer = node.refresh(&cookie).await;
        assert_eq!(answer.status, 200);
        cookie = answer.cookie();
    }
}

#[tokio::test]
async fn an_account_cannot_be_guessed_at_from_many_addresses() {
    let node = ClockedNode::start(&["--trust-forwarded-for"]);
    node.register("ada").await;
    // Too long to be right: refused without the work of hashing, counted all the same.
    let guess = "x".repeat(1_025);
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        for n in 0..60 {
            let address = format!("198.51.100.{n}");
            let body = json!({"username": name, "password": guess});
            let answer = node.post("/v1/auth/login", &[("x-forwarded-for", &address)], body).await;
            assert_eq!(answer.status, 401, "{name} {n}");
        }
        let body = json!({"username": name, "password": guess});
        let slowed = node.post("/v1/auth/login", &[("x-forwarded-for", "203.0.113.1")], body).await;
        assert_eq!(slowed.refusal(), (429, "rate_limited".into()));
        answers.push(slowed.json());
    }
    assert_eq!(answers[0], answers[1], "it does not tell whether there is such an account");
    let wait = answers[0]["retry_after_ms"].as_i64().expect("a time");
    node.pass(wait);
    let body = json!({"username": "ada", "password": super::harness::PASSWORD});
    assert_eq!(node.post("/v1/auth/login", &[], body).await.status, 200);
}

#[tokio::test]
async fn only_the_proxies_word_on_an_address_counts() {
    let guess = || json!({"username": "ada", "password": "x".repeat(1_025)});
    let node = ClockedNode::start(&["--trust-forwarded-for", "--limit-auth-per-address=2/60s"]);
    let attempt = async |claimed: &str, real: &str| {
        let two_lines = [("x-forwarded-for", claimed), ("x-forwarded-for", real)];
        node.post("/v1/auth/login", &two_lines, guess()).await.status
    };
    assert_eq!(attempt("203.0.113.1", "198.51.100.7").await, 401);
    assert_eq!(attempt("203.0.113.2", "198.51.100.7").await, 401);
    assert_eq!(attempt("203.0.113.3", "198.51.100.7").await, 429);
    assert_eq!(attempt("203.0.113.3", "203.0.113.9, 198.51.100.7").await, 429);
    assert_eq!(attempt("203.0.113.3", "198.51.100.8").await, 401);
    node.pass(60 * SECOND);
    assert_eq!(attempt("203.0.113.3", "198.51.100.7").await, 401);

    let direct = ClockedNode::start(&["--limit-auth-per-address=2/60s"]);
    for (n, status) in [401, 401, 429].into_iter().enumerate() {
        let claimed = format!("203.0.113.{n}");
        assert_eq!(direct.post("/v1/auth/login", &[("x-forwarded-for", &claimed)], guess()).await.status, status);
    }
}

#[tokio::test]
async fn links_end() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    let room = node.direct(&ada, &bob).await;
    let file = announce(&node, &ada, json!(room), "a.txt", "text/plain", b"hello").await;
    let upload = path_of(&file["upload"]["url"]);
    node.pass(DAY - SECOND);
    assert_eq!(node.send(Method::PUT, &upload, &[], Body::from("hello")).await.status, 200);
    node.pass(SECOND);
    assert_eq!(node.send(Method::PUT, &upload, &[], Body::from("hello")).await.refusal(), (403, "forbidden".into()));

    let ada = node.log_in("ada").await;
    let id = file["id"].as_str().expect("id");
    assert_eq!(node.call(&ada, Method::POST, &format!("/v1/files/{id}/complete"), Value::Null).await.status, 200);
    let link = node.get(&ada, &format!("/v1/files/{id}")).await;
    assert_eq!((link.status, link.header("cache-control")), (302, "no-store"));
    let path = link.header("location").to_owned();
    node.pass(59 * SECOND);
    assert_eq!(node.send(Method::GET, &path, &[], Body::empty()).await.bytes, b"hello");
    node.pass(SECOND);
    assert_eq!(node.send(Method::GET, &path, &[], Body::empty()).await.refusal(), (403, "forbidden".into()));
}

#[tokio::test]
async fn uploads_that_were_given_up_are_removed_and_nothing_else() {
    let node = ClockedNode::start(&[]);
    let (ada, bob) = (node.register("ada").await, node.register("bob").await);
    let room = node.direct(&ada, &bob).await;
    let mut ids = Vec::new();
    for name in ["kept", "given up", "assembled before a crash"] {
        let file = announce(&node, &ada, json!(room), name, "text/plain", b"hello").await;
        node.send(Method::PUT, &path_of(&file["upload"]["url"]), &[], Body::from("hello")).await;
        ids.push(file["id"].as_str().expect("id").to_owned());
    }
    let complete = node.call(&ada, Method::POST, &format!("/v1/files/{}/complete", ids[0]), Value::Null).await;
    assert_eq!(complete.status, 200);
    let files = node.folder.path().join("files");
    std::fs::write(files.join("files").join(&ids[2]), b"hello").expect("write");
    assert_eq!(node.node.files.clean().await.expect("clean"), 0, "they have a day");
    node.pass(DAY + 1);
    assert_eq!(node.node.files.clean().await.expect("clean"), 2);
    assert_eq!(
        (files.join("uploads").exists(), file_count(&files.join("files"))),
        (false, 1),
        "no empty folders either"
    );
    let ada = node.log_in("ada").await;
    for (id, status) in ids.iter().zip([200, 404, 404]) {
        let complete = node.call(&ada, Method::POST, &format!("/v1/files/{id}/complete"), Value::Null).await;
        assert_eq!(complete.status, status);
    }
    let link = node.get(&ada, &format!("/v1/files/{}", ids[0])).await.header("location").to_owned();
    assert_eq!(node.send(Method::GET, &link, &[], Body::empty()).await.bytes, b"hello");
}
