use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chat_core::{ConversationId, Timestamp};
use chat_kafka::{KafkaConfig, KafkaLog};
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::{MessageLog as _, PortError};
use chat_wire::LogRecord;

use crate::rig::{made, own, shared};

const CONVERSATIONS: usize = 60;
const RECORDS: usize = 3_000;

fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    Timestamp::from_millis(i64::try_from(now).expect("a date"))
}

/// A node died with very much under way: each of its records is found, and what never came to the log is not.
#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_records_are_looked_for_at_once() {
    let log = Arc::new(KafkaLog::open(&made(own(), 16).await).expect("opens"));
    let (since, author) = (now(), user());
    let conversations: Vec<ConversationId> = (0..CONVERSATIONS).map(|_| conversation()).collect();
    let record = |n: usize| message_record(conversations[n % CONVERSATIONS], author, &n.to_string());
    let sent: Vec<LogRecord> = (0..RECORDS).map(record).collect();
    let lost: Vec<LogRecord> = (0..RECORDS / 3).map(record).collect();
    let seqs = log.append_batch(sent.clone()).await.expect("append");
    let begin = Instant::now();
    let searches = sent.iter().map(|record| (record, true)).chain(lost.iter().map(|record| (record, false)));
    let searches = searches.map(|(record, there)| {
        let (log, wanted, id) = (Arc::clone(&log), record.clone(), record.client_msg_id.expect("given"));
        (there, tokio::spawn(async move { log.sent_since(wanted.conversation, author, id, since).await }))
    });
    let searches: Vec<_> = searches.collect();
    let mut found = Vec::new();
    for (there, search) in searches {
        let answer = search.await.expect("no panic").expect("searched");
        assert_eq!(answer.is_some(), there);
        found.extend(answer);
    }
    println!("{} searches in {:?}", RECORDS + lost.len(), begin.elapsed());
    assert_eq!(found, seqs.into_iter().zip(sent).collect::<Vec<_>>());
    // Nothing is left of it that would be in the way of the next.
    let id = lost[0].client_msg_id.expect("given");
    assert_eq!(log.sent_since(lost[0].conversation, author, id, since).await.expect("searched"), None);
    log.close().await;
}

/// Who asks learns that nothing is known, within the time in which a client is promised an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_away_finds_nothing_out() {
    // Port 1 of loopback: nobody listens there.
    let config = KafkaConfig { brokers: vec!["127.0.0.1:1".to_owned()], ..shared() };
    let log = KafkaLog::open(&config).expect("opens");
    let (conv, author) = (conversation(), user());
    let id = message_record(conv, author, "x").client_msg_id.expect("given");
    let search = log.sent_since(conv, author, id, now());
    let answer = tokio::time::timeout(Duration::from_secs(5), search).await.expect("in time");
    let error = answer.expect_err("nobody is there");
    assert!(matches!(error, PortError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1:1"), "{error}");
    log.close().await;
}
