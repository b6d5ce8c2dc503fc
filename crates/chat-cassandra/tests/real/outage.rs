//! Cassandra comes late, and goes for a while.

use std::net::SocketAddr;
use std::time::Duration;

use chat_cassandra::{BucketLimits, CassandraConfig, CassandraStore, migrate};
use chat_core::Seq;
use chat_ports::PortError;
use chat_ports::contract::{conversation, user};
use chat_ports::store::{MessageStore as _, Position};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::rig::{client_msg_id, config, message, open, ready, server};

/// Hands connections on to the server while it lives; dropping it cuts them.
async fn relay(listener: TcpListener) {
    let mut pairs = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        pairs.spawn(async move {
            let mut upstream = TcpStream::connect(server()).await?;
            tokio::io::copy_bidirectional(&mut client, &mut upstream).await
        });
    }
}

/// An address at which nobody listens.
async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("its address")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_comes_late_is_found() {
    migrate(&config(), 1).await.expect("migrates");
    let address = free_address().await;
    let config = CassandraConfig { contact_points: vec![address.to_string()], ..config() };
    let store = CassandraStore::open(config.clone()).expect("opens without a server");
    let reason = loop {
        match store.page(conversation(), Position::Newest, 5).await {
            Err(PortError::Unavailable { detail, .. }) if detail.contains("refused") => break detail,
            Err(PortError::Unavailable { .. }) => tokio::time::sleep(Duration::from_millis(5)).await,
            other => panic!("{other:?}"),
        }
    };
    assert!(reason.contains(&address.to_string()) && reason.contains("the node is up"), "{reason}");
    let error = migrate(&config, 1).await.expect_err("no server").to_string();
    assert!(error.contains(&address.to_string()), "{error}");

    let listener = TcpListener::bind(address).await.expect("still free");
    let relaying = tokio::spawn(relay(listener));
    ready(&store).await;
    let conv = conversation();
    store.apply(vec![message(conv, 1, user(), client_msg_id())]).await.expect("apply");

    // Gone again: calls end in time, and go on when it is back.
    relaying.abort();
    let _ = relaying.await;
    let answer = tokio::time::timeout(Duration::from_secs(10), store.message(conv, Seq::new(1))).await;
    let error = answer.expect("in time").expect_err("nobody there");
    assert!(error.retryable(), "{error}");
    let listener = TcpListener::bind(address).await.expect("still free");
    let relaying = tokio::spawn(relay(listener));
    let patience = tokio::time::timeout(Duration::from_mins(1), async {
        while store.message(conv, Seq::new(1)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    patience.await.expect("it came back");
    store.close().await;
    relaying.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused() {
    let (store, conv) = (open(BucketLimits::default()).await, conversation());
    let mut large = message(conv, 1, user(), client_msg_id());
    if let chat_ports::store::Mutation::InsertMessage { body, .. } = &mut large {
        // Above the largest mutation that the server takes (half a segment of its commit log).
        body.text = Some("x".repeat(12 << 20));
    }
    let error = store.apply(vec![large]).await.expect_err("too large");
    assert!(!error.retryable(), "{error}");
}
