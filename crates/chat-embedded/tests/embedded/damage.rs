//! A page of the file is garbage: what lies on it cannot be read, all else can.

use std::os::unix::fs::FileExt as _;
use std::path::Path;

use chat_core::{ConversationId, Seq};
use chat_embedded::check_file;
use chat_ports::contract::{message_record, user};
use chat_ports::store::{MessageStore as _, Position};
use chat_ports::{MessageLog as _, PortError};
use uuid::Uuid;

use crate::rig::open;

const MESSAGES: u64 = 2_000;

/// Overwrites the leaf of `messages` that is this part of the way from its beginning.
fn overwrite_leaf(file: &Path, part: f64) {
    let database = rusqlite::Connection::open(file).expect("opens");
    let size: u64 = database.query_row("PRAGMA page_size", [], |row| row.get(0)).expect("a size");
    let page: u64 = database
        .query_row(
            "SELECT pageno FROM (SELECT pageno, percent_rank() OVER (ORDER BY path) AS rank FROM dbstat
                WHERE name = 'messages' AND pagetype = 'leaf') WHERE rank >= ?1 ORDER BY rank LIMIT 1",
            [part],
            |row| row.get(0),
        )
        .expect("a leaf");
    database.close().expect("closed");
    let file = std::fs::OpenOptions::new().write(true).open(file).expect("opens");
    file.write_all_at(&vec![0xA5; usize::try_from(size).expect("small")], (page - 1) * size).expect("overwritten");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_spoils_only_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("chat.db");
    // In this order in the table: the first half of its leaves is the first conversation's.
    let [damaged, sound] = [1, 2].map(|n| ConversationId::new(Uuid::from_u128(n)));
    let embedded = open(folder.path());
    for conv in [damaged, sound] {
        let records = (0..MESSAGES).map(|n| message_record(conv, user(), &format!("message {n}"))).collect();
        embedded.log.append_batch(records).await.expect("append");
    }
    embedded.shutdown().await;
    assert_eq!(check_file(&file).expect("readable"), [""; 0]);
    overwrite_leaf(&file, 0.25);
    assert!(!check_file(&file).expect("readable").is_empty(), "the doctor must see it");

    let embedded = open(folder.path());
    let (store, everything) = (&embedded.store, usize::try_from(MESSAGES).expect("small"));
    let error = store.page(damaged, Position::Newest, everything).await.expect_err("a page of it is gone");
    assert!(matches!(error, PortError::Corrupt { .. }) && !error.retryable(), "{error:?}");
    assert_eq!(store.page(damaged, Position::Newest, 50).await.expect("far from it").rows.len(), 50);
    assert_eq!(store.page(damaged, Position::After(Seq::ZERO), 50).await.expect("far from it").rows.len(), 50);
    assert_eq!(store.page(sound, Position::Newest, everything).await.expect("another's").rows.len(), everything);
    for conv in [damaged, sound] {
        let seq = embedded.log.append(message_record(conv, user(), "life goes on")).await.expect("append");
        assert!(store.message(conv, seq).await.expect("message").is_some());
    }
    embedded.shutdown().await;
}
