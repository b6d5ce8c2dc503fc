//! A store in the keyspace that all tests share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chat_cassandra::{BucketLimits, CassandraConfig, CassandraStore, migrate};
use chat_core::{ClientMsgId, ConversationId, MessageId, MessageKind, Seq, Timestamp, UserId};
use chat_ports::ChatStore;
use chat_ports::contract::store_messages::StoreFixture;
use chat_ports::contract::text;
use chat_ports::store::{MessageRow, MessageStore as _, Mutation, Position, RowPage};
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use uuid::Uuid;

const SERVER: &str = "ELASTIC_CHAT_TEST_CASSANDRA";
/// Certificates and passwords of a server that wants them.
pub const SECRETS: &str = "ELASTIC_CHAT_TEST_SECRETS";

/// The server's address.
pub fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| panic!("set {SERVER}=host:port, or run ./dev test"))
}

pub fn config() -> CassandraConfig {
    let (username, password_file) = credentials().unzip();
    let contact_points = vec![server()];
    CassandraConfig { contact_points, keyspace: "chat_contract".into(), username, password_file, ..Default::default() }
}

/// The user and the file with the password, when the server wants them.
fn credentials() -> Option<(String, PathBuf)> {
    let secrets = std::env::var_os(SECRETS)?;
    Some(("cassandra".to_owned(), PathBuf::from(secrets).join("cassandra-password")))
}

pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(waiting.await.is_ok(), "not in time: {what}");
}

/// Waits until `store` is ready.
pub async fn ready(store: &CassandraStore) {
    let patience = tokio::time::timeout(Duration::from_mins(1), async {
        while store.check().await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(patience.await.is_ok(), "{:?}", store.check().await);
}

pub async fn open(limits: BucketLimits) -> Arc<CassandraStore> {
    migrate(&config(), 1).await.expect("migrates");
    let store = CassandraStore::open_with(config(), limits).expect("opens");
    ready(&store).await;
    Arc::new(store)
}

pub struct Rig(Arc<CassandraStore>);

impl StoreFixture for Rig {
    fn store(&self) -> Arc<dyn ChatStore> {
        Arc::clone(&self.0) as _
    }
}

/// With buckets so small that every suite goes over their bounds.
pub async fn rig() -> Rig {
    Rig(open(BucketLimits { rows: 7, bytes: 1 << 20 }).await)
}

/// A message at `seq` of somebody's client.
pub fn message(conversation: ConversationId, seq: u64, author: UserId, id: ClientMsgId) -> Mutation {
    Mutation::InsertMessage {
        conversation,
        seq: Seq::new(seq),
        id: MessageId::new(Uuid::from_u128(u128::from(seq))),
        author,
        client_msg_id: Some(id),
        kind: MessageKind::Message,
        body: text(&format!("message {seq}")),
        at: Timestamp::from_millis(i64::try_from(seq).expect("small")),
    }
}

pub fn client_msg_id() -> ClientMsgId {
    ClientMsgId::new(Uuid::now_v7())
}

/// The whole timeline, page by page from its end.
pub async fn all_rows(store: &CassandraStore, conversation: ConversationId) -> Vec<MessageRow> {
    let (mut all, mut position) = (Vec::new(), Position::Newest);
    loop {
        let RowPage { mut rows, has_more } = store.page(conversation, position, 9).await.expect("page");
        let Some(first) = rows.first() else { break };
        position = Position::Before(first.seq);
        rows.extend(all);
        all = rows;
        if !has_more {
            break;
        }
    }
    all
}

/// A session of the driver itself, to look behind the store.
pub async fn session(keyspace: &str) -> Session {
    let mut builder = SessionBuilder::new().known_node(server()).use_keyspace(keyspace, false);
    if let Some((user, file)) = credentials() {
        builder = builder.user(user, std::fs::read_to_string(file).expect("a password"));
    }
    builder.build().await.expect("a session")
}
