//! A node without sockets whose clock the test turns: for everything that ends after a while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request};
use chat_core::Timestamp;
use chat_embedded::Embedded;
use chat_node::{Backends, Node, app};
use chat_ports::Clock;
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};
use service_kit::admin::Identity;
use tempfile::TempDir;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use super::harness::{PASSWORD, config};

pub const SECOND: i64 = 1_000;
pub const DAY: i64 = 24 * 3600 * SECOND;

struct TurnedClock(AtomicI64);

impl Clock for TurnedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

pub struct ClockedNode {
    pub node: Arc<Node>,
    pub folder: TempDir,
    clock: Arc<TurnedClock>,
    router: Router,
    _embedded: Embedded,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.json()["code"].as_str().unwrap_or("none").to_owned())
    }

    /// `ec_refresh=…` as the browser would send it back.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
    }
}

/// A session: who, and the header that proves it.
#[derive(Clone)]
pub struct Login {
    pub id: String,
    pub bearer: String,
    pub cookie: String,
}

impl ClockedNode {
    pub fn start(extra: &[&str]) -> Self {
        let folder = TempDir::new().expect("folder");
        let config = config(folder.path(), extra);
        let clock = Arc::new(TurnedClock(AtomicI64::new(1_800_000_000_000)));
        let embedded = Embedded::open(folder.path(), clock.clone()).expect("store");
        let files = folder.path().join("files");
        std::fs::create_dir_all(&files).expect("folder");
        let backends = Backends {
            log: embedded.log.clone(),
            tail: embedded.tail.clone(),
            store: embedded.store.clone(),
            directory: embedded.directory.clone(),
            blobs: Arc::new(LocalFileSystem::new_with_prefix(&files).expect("files").with_automatic_cleanup(true)),
            clock: clock.clone(),
        };
        let node = Node::new(config, backends, [7; 32], TaskTracker::new(), Identity::new("clocked", "gateway"));
        let router = app::router(&node);
        Self { node, folder, clock, router, _embedded: embedded }
    }

    pub fn pass(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::SeqCst);
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "chat.test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
        let request = request.extension(peer).body(body).expect("request");
        let response = self.router.clone().call(request).await.expect("answers never fail");
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.expect("body").to_vec();
        Answer { status: head.status.as_u16(), headers: head.headers, bytes }
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.send(Method::POST, path, headers, Body::from(body.to_string())).await
    }

    pub async fn call(&self, login: &Login, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(method, path, &[("authorization", &login.bearer)], body).await
    }

    pub async fn get(&self, login: &Login, path: &str) -> Answer {
        self.call(login, Method::GET, path, Value::Null).await
    }

    fn login_of(answer: &Answer) -> Login {
        let body = answer.json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Login {
            id: text(&body["user"]["id"]),
            bearer: format!("Bearer {}", text(&body["access_token"])),
            cookie: answer.cookie(),
        }
    }

    pub async fn register(&self, name: &str) -> Login {
        let answer = self.post("/v1/auth/register", &[], json!({"username": name, "password": PASSWORD})).await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        Self::login_of(&answer)
    }

    pub async fn log_in(&self, name: &str) -> Login {
        let answer = self.post("/v1/auth/login", &[], json!({"username": name, "password": PASSWORD})).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        Self::login_of(&answer)
    }

    pub async fn refresh(&self, cookie: &str) -> Answer {
        self.post("/v1/auth/refresh", &[("cookie", cookie)], Value::Null).await
    }

    pub async fn direct(&self, login: &Login, other: &Login) -> String {
        let body = json!({"kind": "direct", "user": other.id});
        let made = self.call(login, Method::POST, "/v1/conversations", body).await.json();
        made["id"].as_str().expect("id").to_owned()
    }
}
