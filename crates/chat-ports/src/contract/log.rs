use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{ConversationId, ReadCursor, Seq, Timestamp};
use chat_wire::LogRecord;
use tokio::task::JoinSet;

use super::given::{conversation, message_record, user};
use crate::{CursorUpdate, MessageLog};

/// A log, and a way to see what is in it.
#[async_trait]
pub trait LogFixture: Send + Sync {
    fn log(&self) -> Arc<dyn MessageLog>;
    /// The records of a conversation that are durable now, in the log's order.
    async fn records(&self, conversation: ConversationId) -> Vec<(Seq, LogRecord)>;
}

fn grows(seqs: &[Seq]) -> bool {
    seqs.windows(2).all(|pair| pair[0] < pair[1])
}

pub async fn positions_grow(fixture: impl LogFixture) {
    let (conv, author, log) = (conversation(), user(), fixture.log());
    let mut seqs = Vec::new();
    for n in 0..20 {
        // Others write in between: positions may be sparse, but never go back.
        log.append(message_record(conversation(), author, "elsewhere")).await.expect("append");
        seqs.push(log.append(message_record(conv, author, &n.to_string())).await.expect("append"));
    }
    assert!(grows(&seqs), "{seqs:?}");
    assert!(seqs[0] > Seq::ZERO, "zero is before every message");
}

pub async fn an_answered_append_is_below_a_later_one(fixture: impl LogFixture) {
    let (conv, author) = (conversation(), user());
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let log = fixture.log();
        writers.spawn(async move {
            let mut seqs = Vec::new();
            for n in 0..25 {
                let record = message_record(conv, author, &format!("{writer} {n}"));
                seqs.push(log.append(record).await.expect("append"));
            }
            seqs
        });
    }
    let mut all = Vec::new();
    for seqs in writers.join_all().await {
        assert!(grows(&seqs), "each of these began when the one before had its answer: {seqs:?}");
        all.extend(seqs);
    }
    all.sort_unstable();
    assert!(grows(&all), "two records have one position");
    let read: Vec<_> = fixture.records(conv).await.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(read, all);
}

pub async fn a_batch_keeps_its_order(fixture: impl LogFixture) {
    let (conv, author, log) = (conversation(), user(), fixture.log());
    let before = log.append(message_record(conv, author, "before")).await.expect("append");
    let batch: Vec<_> = (0..500).map(|n| message_record(conv, author, &n.to_string())).collect();
    let seqs = log.append_batch(batch.clone()).await.expect("append");
    assert_eq!(seqs.len(), batch.len());
    assert!(grows(&seqs) && before < seqs[0]);
    let read = fixture.records(conv).await;
    assert_eq!(read[1..], seqs.into_iter().zip(batch).collect::<Vec<_>>());
}

pub async fn equal_records_make_two(fixture: impl LogFixture) {
    let (conv, log) = (conversation(), fixture.log());
    let record = message_record(conv, user(), "again");
    let first = log.append(record.clone()).await.expect("append");
    let second = log.append(record.clone()).await.expect("append");
    assert!(first < second);
    assert_eq!(fixture.records(conv).await, [(first, record.clone()), (second, record)]);
}

pub async fn what_was_appended_is_read_back(fixture: impl LogFixture) {
    let (conv, log) = (conversation(), fixture.log());
    let long = "längere Zeile 🏳️‍🌈 \u{0}\" \\ ".repeat(2_000);
    let record = message_record(conv, user(), &long);
    let seq = log.append(record.clone()).await.expect("append");
    assert_eq!(fixture.records(conv).await, [(seq, record)]);
}

pub async fn positions_fit_a_client(fixture: impl LogFixture) {
    let seq = fixture.log().append(message_record(conversation(), user(), "x")).await.expect("append");
    // Clamping would hide it: the largest is never a real position.
    assert!(seq < Seq::MAX);
}

pub async fn nothing_is_a_batch_too(fixture: impl LogFixture) {
    assert_eq!(fixture.log().append_batch(Vec::new()).await.expect("append"), []);
    fixture.log().append_cursors(Vec::new()).await.expect("append");
}

pub async fn cursors_are_taken(fixture: impl LogFixture) {
    let (conv, log) = (conversation(), fixture.log());
    let cursor = |seq| ReadCursor::read_up_to(Seq::new(seq));
    let update = |seq| CursorUpdate { conversation: conv, user: user(), cursor: cursor(seq) };
    log.append_cursors((1..100).map(update).collect()).await.expect("append");
    assert_eq!(fixture.records(conv).await, [], "a cursor is no event");
}

/// For an attempt whose outcome nobody knows: its record is found, and nobody else's.
pub async fn what_was_sent_is_found_in_the_log(fixture: impl LogFixture) {
    let (conv, author, log) = (conversation(), user(), fixture.log());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    let since = Timestamp::from_millis(i64::try_from(now).expect("a date"));
    let record = message_record(conv, author, "once");
    let id = record.client_msg_id.expect("given");
    assert_eq!(log.sent_since(conv, author, id, since).await.expect("searched"), None);
    for n in 0..50 {
        log.append(message_record(conv, author, &n.to_string())).await.expect("append");
    }
    assert_eq!(log.sent_since(conv, author, id, since).await.expect("searched"), None);
    let first = log.append(record.clone()).await.expect("append");
    log.append(record.clone()).await.expect("a second one");
    let mut others = message_record(conversation(), author, "another conversation");
    others.client_msg_id = Some(id);
    log.append(others).await.expect("append");
    assert_eq!(log.sent_since(conv, author, id, since).await.expect("searched"), Some((first, record)));
    assert_eq!(log.sent_since(conv, user(), id, since).await.expect("searched"), None, "another user's");
}

pub async fn is_ready(fixture: impl LogFixture) {
    fixture.log().check().await.expect("ready");
}
