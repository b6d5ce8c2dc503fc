//! Many at once: bounded memory, and nobody spoils it for others.

use std::sync::Arc;
use std::time::Duration;

use chat_core::{ConversationId, NodeId, Seq};
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::store::{MessageStore as _, Position};
use chat_ports::{LiveTail as _, MessageLog as _, PortError};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::rig::open;

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_nobody_waits_for_take_nothing_from_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let (embedded, conv) = (open(folder.path()), conversation());
    let records = (0..2_000).map(|n| message_record(conv, user(), &n.to_string())).collect();
    embedded.log.append_batch(records).await.expect("append");
    let mut readers = JoinSet::new();
    for n in 0..200u64 {
        let store = Arc::clone(&embedded.store);
        readers.spawn(async move {
            let page = store.page(conv, Position::Newest, 2_000);
            if n % 2 == 0 {
                // A client that went away while its page was being read.
                let _ = tokio::time::timeout(Duration::from_micros(n * 50), page).await;
            } else {
                assert_eq!(page.await.expect("page").rows.len(), 2_000);
            }
        });
    }
    readers.join_all().await;
    embedded.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_fails_fails_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (embedded, conv) = (open(folder.path()), conversation());
    let bad = rusqlite::Connection::open(folder.path().join("chat.db")).expect("opens");
    bad.execute_batch(
        "CREATE TRIGGER refuse BEFORE INSERT ON messages WHEN new.body LIKE '%refuse me%'
         BEGIN SELECT raise(ABORT, 'refused'); END",
    )
    .expect("a trigger");
    let mut writers = JoinSet::new();
    for n in 0..200 {
        let log = Arc::clone(&embedded.log);
        writers.spawn(async move {
            let text = if n % 10 == 0 { "refuse me".to_owned() } else { n.to_string() };
            (n, log.append(message_record(conv, user(), &text)).await)
        });
    }
    for (n, result) in writers.join_all().await {
        match result {
            Ok(_) => assert_ne!(n % 10, 0),
            Err(error) => assert!(n % 10 == 0 && matches!(error, PortError::Refused { .. }), "{n}: {error}"),
        }
    }
    let rows = embedded.store.page(conv, Position::Newest, 1_000).await.expect("page").rows;
    assert_eq!(rows.len(), 180);
    embedded.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_tails_are_forgotten_and_come_back_with_a_new_epoch() {
    let folder = tempfile::tempdir().expect("a folder");
    let embedded = open(folder.path());
    let node: NodeId = "here".parse().expect("a node id");
    let numbered = |n: u128| ConversationId::new(Uuid::from_u128(n));
    let (served, idle) = (0..100, 100..12_000);
    let mut epochs = Vec::new();
    for n in served.clone().chain(idle.clone()) {
        if served.contains(&n) {
            embedded.tail.register(numbered(n), &node).await.expect("register");
        }
        epochs.push(embedded.tail.head(numbered(n)).await.expect("head").epoch);
    }
    let mut kept = 0;
    for n in served {
        let index = usize::try_from(n).expect("small");
        assert_eq!(embedded.tail.head(numbered(n)).await.expect("head").epoch, epochs[index], "{n} is served");
    }
    for n in idle {
        let index = usize::try_from(n).expect("small");
        kept += usize::from(embedded.tail.head(numbered(n)).await.expect("head").epoch == epochs[index]);
    }
    assert!(kept <= 10_000, "{kept} idle tails stayed in memory");
    embedded.shutdown().await;
}

#[tokio::test]
async fn a_forgotten_tail_knows_where_the_log_stands() {
    let folder = tempfile::tempdir().expect("a folder");
    let (conv, author) = (conversation(), user());
    let embedded = open(folder.path());
    let created = chat_ports::store::Mutation::CreateConversation {
        conversation: conv,
        kind: chat_core::ConversationKind::Group,
        title: None,
        created_by: author,
        at: chat_core::Timestamp::EPOCH,
        version: Seq::new(1),
    };
    embedded.store.apply(vec![created]).await.expect("apply");
    let mut last = Seq::ZERO;
    for n in 0..5 {
        last = embedded.log.append(message_record(conv, author, &n.to_string())).await.expect("append");
    }
    embedded.shutdown().await;
    let embedded = open(folder.path());
    let head = embedded.tail.head(conv).await.expect("head");
    assert_eq!((head.last_seq, head.persisted), (last, last));
    assert_eq!(embedded.tail.newer_than(conv, head.persisted).await.expect("newer"), []);
    embedded.shutdown().await;
}
