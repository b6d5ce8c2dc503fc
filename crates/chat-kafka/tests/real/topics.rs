use chat_kafka::{KafkaConfig, KafkaLog, MigrateError, migrate};
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::{MessageLog as _, PortError};

use crate::rig::own;

#[tokio::test(flavor = "multi_thread")]
async fn migrating_again_changes_nothing() {
    let config = own();
    let report = migrate(&config, 4, 1).await.expect("topics");
    assert!(report.len() == 3 && report.iter().all(|line| line.starts_with("created ")), "{report:?}");
    let again = migrate(&config, 4, 1).await.expect("topics");
    assert!(again.len() == 3 && again.iter().all(|line| line.ends_with(" is there")), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_migrate_at_once() {
    let config = own();
    let (a, b, c) = tokio::join!(migrate(&config, 2, 1), migrate(&config, 2, 1), migrate(&config, 2, 1));
    for report in [a, b, c] {
        assert_eq!(report.expect("topics").len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_partitions_stays() {
    let config = own();
    migrate(&config, 4, 1).await.expect("topics");
    let error = migrate(&config, 8, 1).await.expect_err("another number");
    assert!(matches!(error, MigrateError::Partitions { found: 4, wanted: 8, .. }), "{error}");
    // Another generation has a topic of its own; what all share stays.
    let next = KafkaConfig { generation: 2, ..config };
    assert!(migrate(&next, 4, 1).await.expect("topics").contains(&format!("created {}", next.topics().events(2))));
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_replicas_are_refused_with_the_reason() {
    let error = migrate(&own(), 1, 99).await.expect_err("one broker").to_string();
    assert!(error.contains("fewer than 99 brokers"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_topic_says_what_to_do() {
    let log = KafkaLog::open(&own()).expect("opens");
    for error in [
        log.append(message_record(conversation(), user(), "x")).await.expect_err("no topic"),
        log.check().await.expect_err("no topic"),
    ] {
        assert!(matches!(&error, PortError::Refused { detail, .. } if detail.contains("chat-node migrate")), "{error}");
    }
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_name_the_generation() {
    let config = KafkaConfig { generation: 3, ..own() };
    migrate(&config, 1, 1).await.expect("topics");
    let log = KafkaLog::open(&config).expect("opens");
    let seq = log.append(message_record(conversation(), user(), "x")).await.expect("append");
    assert_eq!((seq.generation(), seq.offset()), (3, 0));
    log.close().await;
}
