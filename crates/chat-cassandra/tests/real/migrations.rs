//! Making the schema.

use chat_cassandra::{CassandraConfig, CassandraStore, migrate};
use chat_ports::store::MessageStore as _;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rig::{config, ready, server, session};

fn own_keyspace() -> CassandraConfig {
    let keyspace = format!("chat_test_{}", &Uuid::new_v4().simple().to_string()[..12]);
    CassandraConfig { keyspace, ..config() }
}

async fn drop_keyspace(config: &CassandraConfig) {
    let session = session("system").await;
    session.query_unpaged(format!("DROP KEYSPACE {}", config.keyspace), ()).await.expect("dropped");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_make_one_schema() {
    let config = own_keyspace();
    let mut migrations = JoinSet::new();
    for _ in 0..4 {
        let config = config.clone();
        migrations.spawn(async move { migrate(&config, 1).await.expect("migrates") });
    }
    let done = migrations.join_all().await;
    let made: Vec<_> = done.iter().flatten().filter(|line| line.contains("version 1")).collect();
    assert_eq!(made.len(), 1, "{done:?}");
    assert_eq!(migrate(&config, 1).await.expect("again"), Vec::<String>::new());
    drop_keyspace(&config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_waits_for_its_schema() {
    let config = own_keyspace();
    let store = CassandraStore::open(config.clone()).expect("opens");
    let reason = loop {
        let reason = store.check().await.expect_err("no schema").to_string();
        if !reason.contains("not connected yet") {
            break reason;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert!(reason.contains("chat-node migrate") && reason.contains(&server()), "{reason}");
    migrate(&config, 1).await.expect("migrates");
    ready(&store).await;

    let later = session(&config.keyspace).await;
    let newer = "INSERT INTO schema_version (component, version) VALUES ('chat', 99)";
    later.query_unpaged(newer, ()).await.expect("written");
    store.check().await.expect("an older program goes on beside a newer one");
    let error = migrate(&config, 1).await.expect_err("never back").to_string();
    assert!(error.contains("99") && error.contains("newer chat-node"), "{error}");
    store.close().await;
    assert!(store.check().await.is_err());
    drop_keyspace(&config).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_datacenter_is_named() {
    let config = CassandraConfig { datacenter: Some("atlantis".into()), ..own_keyspace() };
    let error = migrate(&config, 1).await.expect_err("no such datacenter").to_string();
    assert!(error.contains("atlantis") && error.contains("dc1"), "{error}");
}
