//! A store in the keyspace that all tests share.

use chat_ports::store::MessageStore as _;
use std::sync::Arc;
use std::time::Duration;

use chat_cassandra::{BucketLimits, CassandraConfig, CassandraStore, migrate};
use chat_ports::ChatStore;
use chat_ports::contract::store_messages::StoreFixture;

const SERVER: &str = "ELASTIC_CHAT_TEST_CASSANDRA";

/// The server's address.
pub fn server() -> String {
    std::env::var(SERVER).unwrap_or_else(|_| panic!("set {SERVER}=host:port, or run ./dev test"))
}

pub fn config() -> CassandraConfig {
    CassandraConfig { contact_points: vec![server()], keyspace: "chat_contract".into(), ..Default::default() }
}

/// Waits until `store` is ready.
pub async fn ready(store: &CassandraStore) {
    let patience = tokio::time::timeout(Duration::from_secs(60), async {
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
