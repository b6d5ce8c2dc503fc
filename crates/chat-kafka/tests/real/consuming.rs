use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chat_kafka::{
    Consumer, ConsumerConfig, ConsumerStatus, DeadLetter, DeadLetters, KafkaConfig, KafkaLog, Partition, Place, Source,
};
use chat_ports::MessageLog as _;
use chat_ports::contract::{conversation, message_record, user};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use crate::rig::{made, own};

const PATIENCE: Duration = Duration::from_secs(30);

fn member(kafka: &KafkaConfig) -> Consumer {
    let config =
        ConsumerConfig { kafka: kafka.clone(), group: kafka.topic_prefix.clone(), ..ConsumerConfig::default() };
    Consumer::open(config).expect("opens")
}

/// How often each record was done.
type Seen = Arc<Mutex<BTreeMap<(i32, i64), u32>>>;

/// Does what a member is given, for as long as it is one.
async fn work(consumer: Arc<Consumer>, seen: Seen) {
    let mut partitions = JoinSet::new();
    while let Some(partition) = consumer.next().await {
        partitions.spawn(read(partition, Arc::clone(&seen)));
    }
}

async fn read(partition: Partition, seen: Seen) {
    if partition.source() == Source::Cursors {
        return;
    }
    while let Some(batch) = partition.next(50, 1 << 20).await {
        for record in &batch {
            *seen.lock().entry((partition.number(), record.offset)).or_default() += 1;
        }
        partition.done(batch.last().expect("never empty").offset + 1);
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

async fn append(kafka: &KafkaConfig, count: usize) {
    let log = KafkaLog::open(kafka).expect("opens");
    let records = (0..count).map(|n| message_record(conversation(), user(), &n.to_string())).collect();
    log.append_batch(records).await.expect("append");
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_not_read_again() {
    let kafka = made(own(), 4).await;
    append(&kafka, 200).await;
    let seen = Seen::default();
    for round in 1..=3 {
        let consumer = Arc::new(member(&kafka));
        let working = tokio::spawn(work(Arc::clone(&consumer), Arc::clone(&seen)));
        until("all are read", || seen.lock().len() == 200 * round).await;
        until("no lag is left", || {
            let lag = consumer.lag();
            !lag.is_empty() && lag.iter().all(|lag| lag.records == 0 && lag.uncommitted == 0)
        })
        .await;
        assert!(matches!(consumer.status(), ConsumerStatus::Reading { .. }));
        consumer.close(PATIENCE).await;
        let ended = tokio::time::timeout(PATIENCE, working).await;
        ended.expect("a closed consumer has no more partitions").expect("task");
        append(&kafka, 200).await;
    }
    assert!(seen.lock().values().all(|times| *times == 1), "a clean end commits everything");
}

#[tokio::test(flavor = "multi_thread")]
async fn members_come_and_go_and_nothing_is_left_out() {
    let kafka = made(own(), 8).await;
    let seen = Seen::default();
    let mut members = Vec::new();
    let mut total = 0;
    for round in 0..6 {
        append(&kafka, 300).await;
        total += 300;
        let consumer = Arc::new(member(&kafka));
        let working = tokio::spawn(work(Arc::clone(&consumer), Arc::clone(&seen)));
        members.push((consumer, working));
        append(&kafka, 300).await;
        total += 300;
        if round % 2 == 1 {
            let (oldest, working) = members.remove(0);
            oldest.close(PATIENCE).await;
            working.abort();
        }
    }
    until("all are read", || seen.lock().len() == total).await;
    assert!(seen.lock().values().all(|times| *times == 1), "a partition is given on after its last commit");
    for (consumer, working) in members {
        consumer.close(PATIENCE).await;
        working.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_bounded_while_nothing_is_done() {
    let kafka = made(own(), 2).await;
    append(&kafka, 3_000).await;
    let config = ConsumerConfig {
        kafka: kafka.clone(),
        group: kafka.topic_prefix.clone(),
        total_bytes: 100_000,
        partition_bytes: 60_000,
        ..ConsumerConfig::default()
    };
    let consumer = Arc::new(Consumer::open(config).expect("opens"));
    let mut partitions = Vec::new();
    while partitions.len() < 4 {
        partitions.push(tokio::time::timeout(PATIENCE, consumer.next()).await.expect("in time").expect("a partition"));
    }
    until("it holds what it may", || consumer.bytes() >= 100_000).await;
    // Long enough for more to come, if it did.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(consumer.bytes() < 140_000, "{}", consumer.bytes());
    let seen = Seen::default();
    let mut working = JoinSet::new();
    for partition in partitions {
        working.spawn(read(partition, Arc::clone(&seen)));
    }
    until("all are read", || seen.lock().len() == 3_000).await;
    assert!(seen.lock().values().all(|times| *times == 1));
    consumer.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_goes_back() {
    let kafka = made(own(), 1).await;
    append(&kafka, 100).await;
    let consumer = member(&kafka);
    let partition = loop {
        let partition = consumer.next().await.expect("a partition");
        if partition.source() != Source::Cursors {
            break partition;
        }
    };
    let mut offsets = Vec::new();
    while offsets.last() != Some(&59) {
        let batch = partition.next(60 - offsets.len(), 1 << 20).await.expect("records");
        offsets.extend(batch.iter().map(|record| record.offset));
    }
    partition.rewind(20);
    let mut again = Vec::new();
    while again.last() != Some(&99) {
        let batch = partition.next(100, 1 << 20).await.expect("records");
        again.extend(batch.iter().map(|record| record.offset));
    }
    assert_eq!(again, (20..100).collect::<Vec<_>>());
    drop(partition);
    consumer.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_partition_commits_nothing() {
    let kafka = made(own(), 1).await;
    append(&kafka, 10).await;
    let consumer = member(&kafka);
    let partition = consumer.next().await.expect("a partition");
    let fenced = partition.fenced();
    consumer.close(PATIENCE).await;
    assert!(fenced.is_cancelled());
    partition.done(10);
    assert!(partition.next(1, 1).await.is_none());
    let seen = Seen::default();
    let consumer = Arc::new(member(&kafka));
    let working = tokio::spawn(work(Arc::clone(&consumer), Arc::clone(&seen)));
    until("all are read", || seen.lock().len() == 10).await;
    consumer.close(PATIENCE).await;
    working.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_without_topics_says_what_to_do() {
    let consumer = member(&own());
    until(
        "it says so",
        || matches!(consumer.status(), ConsumerStatus::Trying { detail } if detail.contains("chat-node migrate")),
    )
    .await;
    consumer.close(PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_kept_until_they_are_dealt_with() {
    let kafka = made(own(), 1).await;
    let dead = DeadLetters::open(&kafka).expect("opens");
    assert_eq!(dead.scan(true, PATIENCE).await.expect("readable"), []);
    let letter = |offset| DeadLetter {
        place: Place { topic: kafka.topics().events(1), partition: 3, offset },
        key: Some("a key".into()),
        value: Some("not \u{0} a record".into()),
        headers: vec![("schema".into(), "9".into())],
        error: "the record has version 9".into(),
        cut_from: None,
        at: 0,
    };
    for offset in [5, 4, 4] {
        dead.put(&letter(offset)).await.expect("kept");
    }
    let mut found = dead.scan(true, PATIENCE).await.expect("readable");
    assert!(found.iter().all(|letter| letter.at > 1_700_000_000_000), "the brokers' clock");
    for letter in &mut found {
        letter.at = 0;
    }
    assert_eq!(found, [letter(4), letter(5)]);
    dead.resolve(&letter(4).place).await.expect("written");
    let left = dead.scan(false, PATIENCE).await.expect("readable");
    assert_eq!(left.iter().map(|letter| letter.place.offset).collect::<Vec<_>>(), [5]);
    assert_eq!(left[0].value, None, "a list is short");
    dead.close().await;
}

/// A topic that was set to take more than the log's records may have is filled by hand.
#[tokio::test(flavor = "multi_thread")]
async fn of_what_is_too_large_for_a_letter_the_beginning_is_kept() {
    let kafka = made(own(), 1).await;
    let dead = DeadLetters::open(&kafka).expect("opens");
    let huge = "x".repeat(8 * 1024 * 1024);
    let letter = DeadLetter {
        place: Place { topic: kafka.topics().events(1), partition: 0, offset: 1 },
        key: Some(huge.clone().into()),
        value: Some(huge.clone().into()),
        headers: vec![("small".into(), "1".into()), ("huge".into(), huge.clone().into()), ("last".into(), "2".into())],
        error: "\u{e9}".repeat(10_000),
        cut_from: None,
        at: 0,
    };
    dead.put(&letter).await.expect("kept");
    let found = dead.scan(true, PATIENCE).await.expect("readable").remove(0);
    assert_eq!(found.place, letter.place);
    assert_eq!(found.value.map(|value| value.len()), Some(chat_kafka::MAX_RECORD_BYTES));
    assert_eq!(found.cut_from, Some(huge.len()));
    assert_eq!(found.headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["small", "last"]);
    assert_eq!(found.error.len(), 4_096);
    dead.close().await;
}
