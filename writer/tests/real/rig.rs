use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chat_core::{ClientMsgId, ConversationId, EventBody, ReadCursor, Seq, Timestamp, UserId};
use chat_embedded::Embedded;
use chat_kafka::{ConsumerConfig, DeadLetters, KafkaConfig, KafkaLog, migrate};
use chat_ports::contract::{ManualClock, conversation, message_record, user};
use chat_ports::store::{MessageRow, MessageStore, Mutation, Position, RowPage, Unread};
use chat_ports::{LiveTail, MessageLog as _, PortError};
use chat_wire::LogRecord;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;
use writer::app::App;
use writer::config::Settings;
use writer::{Backends, Limits};

pub const PATIENCE: Duration = Duration::from_secs(40);

pub fn environment(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run ./dev test"))
}

/// Topics, a store and a tail of a test's own.
pub struct Rig {
    pub kafka: KafkaConfig,
    pub log: KafkaLog,
    pub embedded: Embedded,
    pub store: Arc<Faulty>,
    pub tail: Arc<dyn LiveTail>,
    _folder: TempDir,
}

pub async fn rig(partitions: i32) -> Rig {
    let kafka = KafkaConfig {
        brokers: vec![environment("ELASTIC_CHAT_TEST_KAFKA")],
        topic_prefix: format!("w-{}", Uuid::new_v4().simple()),
        ..KafkaConfig::default()
    };
    migrate(&kafka, partitions, 1).await.expect("topics");
    let folder = tempfile::tempdir().expect("a folder");
    let embedded = Embedded::open(folder.path(), Arc::new(ManualClock::default())).expect("opens");
    let store = Arc::new(Faulty { inner: embedded.store.clone(), fault: AtomicU8::new(0), calls: AtomicU32::new(0) });
    let log = KafkaLog::open(&kafka).expect("opens");
    let tail = embedded.tail.clone();
    Rig { kafka, log, embedded, store, tail, _folder: folder }
}

impl Rig {
    pub async fn writer(&self, name: &str) -> App {
        self.guarded_writer(name, None).await
    }

    pub async fn guarded_writer(&self, name: &str, admin_token_file: Option<PathBuf>) -> App {
        let consumer = ConsumerConfig {
            kafka: self.kafka.clone(),
            group: self.kafka.topic_prefix.clone(),
            ..ConsumerConfig::default()
        };
        let settings = Settings {
            writer_id: name.to_owned(),
            admin: "127.0.0.1:0".parse().expect("an address"),
            admin_token_file,
            consumer,
            limits: Limits::default(),
        };
        let backends = Backends { store: self.store.clone(), tail: Arc::clone(&self.tail) };
        App::start(settings, backends).await.expect("starts")
    }

    pub fn dead(&self) -> DeadLetters {
        DeadLetters::open(&self.kafka).expect("opens")
    }

    /// Appends `count` messages to one conversation.
    pub async fn say(&self, conversation: ConversationId, count: usize) -> Vec<Seq> {
        let author = user();
        let records = (0..count).map(|n| message_record(conversation, author, &n.to_string())).collect();
        self.log.append_batch(records).await.expect("append")
    }

    /// The positions that the store has, ascending.
    pub async fn stored(&self, conversation: ConversationId) -> Vec<Seq> {
        let (mut seqs, mut position) = (Vec::new(), Seq::ZERO);
        loop {
            let page = self.store.inner.page(conversation, Position::After(position), 500).await.expect("a page");
            seqs.extend(page.rows.iter().map(|row| row.seq));
            match page.rows.last() {
                Some(last) if page.has_more => position = last.seq,
                _ => return seqs,
            }
        }
    }

    pub async fn until_stored(&self, conversation: ConversationId, expected: &[Seq]) {
        let waiting = async {
            while self.stored(conversation).await != expected {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            assert_eq!(self.stored(conversation).await, expected, "not in time");
        }
    }
}

/// Several conversations with what was said in each.
pub async fn chatter(rig: &Rig, conversations: usize, each: usize) -> Vec<(ConversationId, Vec<Seq>)> {
    let mut all = Vec::new();
    for _ in 0..conversations {
        let conversation = conversation();
        all.push((conversation, rig.say(conversation, each).await));
    }
    all
}

pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// An answer of the admin port: its status and its body.
pub async fn get(app: &App, path: &str) -> (u16, String) {
    get_with(app, path, "").await
}

/// The same with a header line.
pub async fn get_with(app: &App, path: &str, header: &str) -> (u16, String) {
    let mut stream = tokio::net::TcpStream::connect(app.admin_address).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// A number of `/load`.
pub async fn load(app: &App, name: &str) -> u64 {
    let body: serde_json::Value = serde_json::from_str(&get(app, "/load").await.1).expect("JSON");
    body[name].as_u64().unwrap_or_else(|| panic!("{name} in {body}"))
}

/// What the store does wrong.
#[derive(Clone, Copy)]
pub enum Fault {
    Nothing = 0,
    Away = 1,
    RefusesAll = 2,
    /// Messages with the text "poison".
    RefusesPoison = 3,
}

/// SQLite's store with a fault that a test switches on and off.
pub struct Faulty {
    pub inner: Arc<chat_embedded::SqliteStore>,
    fault: AtomicU8,
    pub calls: AtomicU32,
}

impl Faulty {
    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    fn check_fault(&self, poison: bool) -> Result<(), PortError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        match self.fault.load(Ordering::SeqCst) {
            1 => Err(PortError::unavailable("SQLite", "a test says so")),
            fault if fault == 2 || (fault == 3 && poison) => {
                Err(PortError::Refused { backend: "SQLite", detail: "a test says so".into() })
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl MessageStore for Faulty {
    async fn apply(&self, mutations: Vec<Mutation>) -> Result<(), PortError> {
        let poison =
            |m: &Mutation| matches!(m, Mutation::InsertMessage { body, .. } if body.text.as_deref() == Some("poison"));
        self.check_fault(mutations.iter().any(poison))?;
        self.inner.apply(mutations).await
    }
    async fn page(&self, conv: ConversationId, position: Position, limit: usize) -> Result<RowPage, PortError> {
        self.inner.page(conv, position, limit).await
    }
    async fn message(&self, conv: ConversationId, seq: Seq) -> Result<Option<MessageRow>, PortError> {
        self.inner.message(conv, seq).await
    }
    async fn unread(&self, c: ConversationId, user: UserId, after: Seq, up_to: Seq) -> Result<Unread, PortError> {
        self.inner.unread(c, user, after, up_to).await
    }
    async fn put_cursor(&self, conv: ConversationId, user: UserId, cursor: ReadCursor) -> Result<(), PortError> {
        self.check_fault(false)?;
        self.inner.put_cursor(conv, user, cursor).await
    }
    async fn cursors(&self, conv: ConversationId, limit: usize) -> Result<Vec<(UserId, ReadCursor)>, PortError> {
        self.inner.cursors(conv, limit).await
    }
    async fn cursor(&self, conv: ConversationId, user: UserId) -> Result<ReadCursor, PortError> {
        self.inner.cursor(conv, user).await
    }
    async fn claimed(
        &self,
        conv: ConversationId,
        author: UserId,
        id: ClientMsgId,
    ) -> Result<Option<(Seq, Timestamp)>, PortError> {
        self.inner.claimed(conv, author, id).await
    }
    async fn check(&self) -> Result<(), PortError> {
        self.inner.check().await
    }
}

pub fn says(conversation: ConversationId, words: &str) -> LogRecord {
    let record = message_record(conversation, user(), words);
    assert!(matches!(record.body, EventBody::Message { .. }));
    record
}
