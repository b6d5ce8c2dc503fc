//! A tail and a directory over one server, with a store in a folder of its own.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::{ConversationId, NodeId, Seq, UserId};
use chat_embedded::Embedded;
use chat_ports::contract::ManualClock;
use chat_ports::contract::directory::DirectoryFixture;
use chat_ports::contract::tail::TailFixture;
use chat_ports::{ChatStore, ConnectionId, Directory, Lease, LiveTail, MessageLog as _};
use chat_redis::{Redis, RedisConfig, RedisDirectory, RedisTail};
use chat_wire::LogRecord;
use tempfile::TempDir;
use uuid::Uuid;

use crate::raw::Raw;
use crate::recording::Recording;

/// How long a condition may take to become true.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Rig {
    pub redis: Redis,
    pub tail: Arc<Recording>,
    pub directory: Arc<RedisDirectory>,
    pub raw: Raw,
    pub embedded: Embedded,
    _folder: TempDir,
}

fn address(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("set {variable}, or run ./dev test"))
}

pub fn standalone_url() -> String {
    address("ELASTIC_CHAT_TEST_REDIS")
}

pub async fn standalone() -> Rig {
    let url = standalone_url();
    over(&url, Raw::one(&url).await)
}

pub async fn cluster() -> Rig {
    let url = address("ELASTIC_CHAT_TEST_REDIS_CLUSTER");
    over(&url.replacen("redis://", "redis+cluster://", 1), Raw::cluster(&url).await)
}

pub fn open(url: &str) -> Redis {
    Redis::open(RedisConfig { url: url.to_owned(), ..RedisConfig::default() }).expect("a configuration")
}

pub fn over(url: &str, raw: Raw) -> Rig {
    let folder = tempfile::tempdir().expect("a folder");
    let embedded = Embedded::open(folder.path(), Arc::new(ManualClock::default())).expect("opens");
    let redis = open(url);
    let store = || Arc::clone(&embedded.store) as Arc<dyn ChatStore>;
    let tail = Recording::new(RedisTail::new(redis.clone(), store()));
    let directory = Arc::new(RedisDirectory::new(redis.clone(), store()));
    Rig { redis, tail, directory, raw, embedded, _folder: folder }
}

/// Another process at the same server, with the same store.
pub struct Process {
    pub redis: Redis,
    pub tail: RedisTail,
    pub directory: RedisDirectory,
}

impl Rig {
    pub fn process(&self, url: &str) -> Process {
        let redis = open(url);
        let store = || Arc::clone(&self.embedded.store) as Arc<dyn ChatStore>;
        let (tail, directory) = (RedisTail::new(redis.clone(), store()), RedisDirectory::new(redis.clone(), store()));
        Process { redis, tail, directory }
    }
}

#[async_trait]
impl TailFixture for Rig {
    fn tail(&self) -> Arc<dyn LiveTail> {
        Arc::clone(&self.tail) as _
    }
    fn store(&self) -> Arc<dyn ChatStore> {
        Arc::clone(&self.embedded.store) as _
    }
    async fn append_to_log(&self, record: LogRecord) -> Seq {
        self.embedded.log.append(record).await.expect("append")
    }
    async fn lose(&self) {
        for key in self.tail.keys() {
            self.raw.say::<()>(&["DEL", &key]).await;
        }
    }
    async fn pass(&self, millis: i64) {
        for key in self.tail.claims() {
            let left: i64 = self.raw.say(&["PTTL", &key]).await;
            let left = (left - millis).max(0).to_string();
            self.raw.say::<()>(&["PEXPIRE", &key, &left]).await;
            // A grant has its times in its mark.
            let mark: Option<String> = self.raw.say(&["GET", &key]).await;
            let words: Vec<&str> = mark.as_deref().unwrap_or_default().split(' ').collect();
            if let ["pending", process, first, till] = words[..] {
                let earlier = |time: &str| time.parse::<i64>().expect("milliseconds") - millis;
                let mark = format!("pending {process} {} {}", earlier(first), earlier(till));
                self.raw.say::<()>(&["SET", &key, &mark, "KEEPTTL"]).await;
            }
        }
    }
}

#[async_trait]
impl DirectoryFixture for Rig {
    fn directory(&self) -> Arc<dyn Directory> {
        Arc::clone(&self.directory) as _
    }
    fn store(&self) -> Arc<dyn ChatStore> {
        Arc::clone(&self.embedded.store) as _
    }
}

pub fn node() -> NodeId {
    format!("n-{}", Uuid::new_v4().simple()).parse().expect("a node id")
}

pub fn conversation() -> ConversationId {
    ConversationId::new(Uuid::new_v4())
}

pub fn user() -> UserId {
    UserId::new(Uuid::new_v4())
}

pub fn lease(user: UserId, node: &NodeId) -> Lease {
    Lease { user, node: node.clone(), connection: ConnectionId(Uuid::new_v4()), away: false }
}

/// Asks again until it holds.
pub async fn until(what: &str, condition: impl AsyncFnMut() -> bool) {
    until_within(PATIENCE, what, condition).await;
}

pub async fn until_within(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(limit, wait).await.is_ok(), "not within {limit:?}: {what}");
}
