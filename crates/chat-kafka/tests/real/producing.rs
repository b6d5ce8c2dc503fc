use std::future::Future as _;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use chat_core::ReadCursor;
use chat_kafka::{KafkaConfig, KafkaLog};
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::{CursorUpdate, MessageLog, PortError};
use rdkafka::mocking::MockCluster;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::net::{TcpListener, TcpStream};

use crate::rig::{broker, made, shared};

/// An address where nobody listens.
async fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_poll_fixes_the_order() {
    let log = Arc::new(KafkaLog::open(&made(shared(), 4).await).expect("opens"));
    let (conv, author) = (conversation(), user());
    let mut waiting = Vec::new();
    for n in 0..1_000 {
        let (log, record) = (Arc::clone(&log), message_record(conv, author, &n.to_string()));
        let mut append = Box::pin(async move { log.append(record).await });
        let early = std::future::poll_fn(|cx| {
            Poll::Ready(match append.as_mut().poll(cx) {
                Poll::Ready(result) => Some(result),
                Poll::Pending => None,
            })
        })
        .await;
        assert!(early.is_none(), "nothing is acknowledged at once");
        waiting.push(tokio::spawn(append));
    }
    let mut seqs = Vec::new();
    for append in waiting {
        seqs.push(append.await.expect("no panic").expect("append"));
    }
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_said_at_once() {
    let config = KafkaConfig {
        brokers: vec![nowhere().await],
        queue_messages: 10,
        delivery_timeout: std::time::Duration::from_secs(3),
        ..shared()
    };
    let log = Arc::new(KafkaLog::open(&config).expect("opens"));
    let mut waiting = Vec::new();
    for _ in 0..11 {
        let log = Arc::clone(&log);
        waiting.push(tokio::spawn(async move { log.append(message_record(conversation(), user(), "x")).await }));
    }
    let (mut full, mut unavailable) = (0, 0);
    for append in waiting {
        match append.await.expect("no panic").expect_err("no broker") {
            PortError::Full { .. } => full += 1,
            PortError::Unavailable { detail, .. } => {
                assert!(detail.contains(&config.brokers[0]) && detail.contains("refused"), "{detail}");
                unavailable += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert_eq!((full, unavailable), (1, 10));
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn brokers_that_come_later_are_found() {
    let address = nowhere().await;
    let config = KafkaConfig { brokers: vec![address.clone()], ..made(shared(), 4).await };
    let log = KafkaLog::open(&config).expect("opens although nobody is there");
    let error = log.check().await.expect_err("nobody is there").to_string();
    assert!(error.contains(&address) && error.contains("refused"), "{error}");
    // From now on somebody is.
    let listener = TcpListener::bind(&address).await.expect("the port");
    let door = tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.expect("a client");
            tokio::spawn(async move {
                let mut server = TcpStream::connect(broker()).await.expect("the broker");
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    let found = async {
        while log.append(message_record(conversation(), user(), "x")).await.is_err() {}
        log.check().await.expect("ready");
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("found");
    log.close().await;
    door.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_too_large_is_refused() {
    let log = KafkaLog::open(&made(shared(), 4).await).expect("opens");
    let huge = "x".repeat(chat_kafka::MAX_RECORD_BYTES + 1);
    let error = log.append(message_record(conversation(), user(), &huge)).await.expect_err("too large");
    assert!(matches!(error, PortError::Refused { .. }), "{error}");
    let large = "x".repeat(chat_kafka::MAX_RECORD_BYTES - 2_000);
    log.append(message_record(conversation(), user(), &large)).await.expect("as large as it may be");
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_log_takes_nothing_and_owes_nothing() {
    let log = Arc::new(KafkaLog::open(&made(shared(), 4).await).expect("opens"));
    let append = {
        let log = Arc::clone(&log);
        tokio::spawn(async move { log.append(message_record(conversation(), user(), "x")).await })
    };
    while log.in_flight() == 0 && !append.is_finished() {
        tokio::task::yield_now().await;
    }
    log.close().await;
    append.await.expect("no panic").expect("what was begun is answered");
    let error = log.append(message_record(conversation(), user(), "x")).await.expect_err("closed");
    assert!(error.retryable(), "another node takes it: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_larger_than_the_queue_waits_for_room() {
    let config = KafkaConfig { queue_messages: 50, ..made(shared(), 4).await };
    let log = KafkaLog::open(&config).expect("opens");
    let (conv, author) = (conversation(), user());
    let batch = (0..500).map(|n| message_record(conv, author, &n.to_string())).collect();
    let seqs = log.append_batch(batch).await.expect("append");
    assert!(seqs.len() == 500 && seqs.windows(2).all(|pair| pair[0] < pair[1]));
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_leave_room_for_messages() {
    let config = KafkaConfig { brokers: vec![nowhere().await], queue_messages: 100, ..shared() };
    let log = KafkaLog::open(&config).expect("opens");
    let update = || CursorUpdate { conversation: conversation(), user: user(), cursor: ReadCursor::default() };
    let mut taken = 0;
    let full = loop {
        match log.append_cursors(vec![update()]).await {
            Ok(()) => taken += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, PortError::Full { .. }), "{full}");
    assert!((40..=51).contains(&taken), "{taken}");
}

/// The library's own stand-in for brokers, since a real one can't be made to break the idempotent protocol.
#[tokio::test(flavor = "multi_thread")]
async fn a_producer_that_failed_for_good_is_replaced() {
    let cluster = MockCluster::new(1).expect("a cluster");
    let config = KafkaConfig { brokers: vec![cluster.bootstrap_servers()], ..KafkaConfig::default() };
    cluster.create_topic(&config.topics().events(1), 1, 1).expect("a topic");
    let log = KafkaLog::open(&config).expect("opens");
    let conv = conversation();
    let mut last = log.append(message_record(conv, user(), "before")).await.expect("append");
    for _ in 0..3 {
        // Not one that a young client is spared.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let broken = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER];
        cluster.request_errors(RDKafkaApiKey::Produce, &broken);
        let error = log.append(message_record(conv, user(), "lost")).await.expect_err("out of order");
        assert!(error.retryable(), "{error}");
        let next = log.append(message_record(conv, user(), "after")).await.expect("a new producer takes it");
        assert!(next > last);
        last = next;
    }
    log.close().await;
}
