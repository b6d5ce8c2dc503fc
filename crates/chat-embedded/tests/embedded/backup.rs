//! A copy is made while others write.

use std::sync::Arc;
use std::time::Duration;

use chat_embedded::{BackupError, backup, check_file};
use chat_ports::MessageLog as _;
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::store::{MessageStore as _, Position};
use tokio_util::sync::CancellationToken;

use crate::rig::open;

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_copy_is_finished_and_whole() {
    let (folder, copy) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (embedded, conv) = (open(folder.path()), conversation());
    // More than one step of a copy, so that a write comes between two of them.
    let records = (0..400).map(|n| message_record(conv, user(), &format!("{n} {}", "x".repeat(20_000)))).collect();
    let before = embedded.log.append_batch(records).await.expect("append");
    let stop = CancellationToken::new();
    let writing = tokio::spawn({
        let (log, stop) = (Arc::clone(&embedded.log), stop.clone());
        async move {
            while !stop.is_cancelled() {
                log.append(message_record(conv, user(), "meanwhile")).await.expect("append");
            }
        }
    });
    let (from, to) = (folder.path().join("chat.db"), copy.path().join("chat.db"));
    let copying = tokio::task::spawn_blocking({
        let to = to.clone();
        move || backup(&from, &to)
    });
    let copied = tokio::time::timeout(Duration::from_mins(1), copying).await;
    stop.cancel();
    writing.await.expect("writers go on");
    copied.expect("writers must not hold it up for ever").expect("ran").expect("copied");

    assert_eq!(check_file(&to).expect("readable"), [""; 0]);
    let restored = open(copy.path());
    let rows = restored.store.page(conv, Position::Newest, 100_000).await.expect("page").rows;
    let seqs: Vec<_> = rows.iter().map(|row| row.seq).collect();
    assert_eq!(seqs[..before.len()], before);
    restored.log.append(message_record(conv, user(), "after")).await.expect("append");
    assert!(matches!(backup(&folder.path().join("chat.db"), &to), Err(BackupError::Exists(_))));
    restored.shutdown().await;
    embedded.shutdown().await;
}
