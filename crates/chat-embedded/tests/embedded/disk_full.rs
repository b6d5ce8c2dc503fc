//! No room: appends fail as such and leave nothing, reads go on, and with room again so do appends.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;

use chat_core::{ConversationId, Seq};
use chat_embedded::Embedded;
use chat_ports::contract::{conversation, message_record, user};
use chat_ports::store::{AccountStore as _, MessageStore as _, Position};
use chat_ports::{MessageLog as _, PortError};
use tokio::task::JoinSet;

use crate::child;
use crate::rig::open;

const WRITERS: usize = 8;
const LIMIT_KIB: u64 = 2_048;

/// Each writer appends until it is refused; the positions that were given, and the errors.
async fn append_until_full(embedded: &Embedded, conv: ConversationId) -> (BTreeSet<Seq>, Vec<PortError>) {
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let log = Arc::clone(&embedded.log);
        writers.spawn(async move {
            let mut acked = Vec::new();
            loop {
                match log.append(message_record(conv, user(), &"x".repeat(6_000))).await {
                    Ok(seq) => acked.push(seq),
                    Err(error) => return (acked, error),
                }
            }
        });
    }
    let (acked, errors): (Vec<_>, Vec<_>) = writers.join_all().await.into_iter().unzip();
    (acked.into_iter().flatten().collect(), errors)
}

async fn seqs(embedded: &Embedded, conv: ConversationId) -> BTreeSet<Seq> {
    let page = embedded.store.page(conv, Position::Newest, 100_000).await.expect("reads go on");
    page.rows.into_iter().map(|row| row.seq).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the process that has no room"]
async fn fills_what_it_may() {
    let Some(folder) = child::folder() else { return };
    let (embedded, conv) = (open(&folder), conversation());
    let (mut acked, errors) = append_until_full(&embedded, conv).await;
    assert!(acked.len() > 10, "{acked:?}");
    for error in &errors {
        assert!(matches!(error, PortError::Full { .. }) && error.retryable(), "{error:?}");
    }
    assert_eq!(seqs(&embedded, conv).await, acked, "what was refused left something, or what was given is gone");
    let large = (0..300).map(|_| message_record(conv, user(), &"y".repeat(20_000))).collect();
    assert!(matches!(embedded.log.append_batch(large).await, Err(PortError::Full { .. })));
    assert_eq!(seqs(&embedded, conv).await, acked, "of a refused batch nothing stays");

    let mut room = Command::new("prlimit");
    let status = room.args(["--pid", &std::process::id().to_string(), "--fsize=unlimited"]).status();
    assert!(status.expect("prlimit of util-linux").success());
    for _ in 0..50 {
        acked.insert(embedded.log.append(message_record(conv, user(), &"z".repeat(6_000))).await.expect("room again"));
    }
    embedded.store.set_last_seen(user(), chat_core::Timestamp::EPOCH).await.expect("other writes too");
    assert_eq!(seqs(&embedded, conv).await, acked);
    embedded.shutdown().await;
    let embedded = open(&folder);
    assert_eq!(seqs(&embedded, conv).await, acked);
    embedded.log.replay().await.expect("replay");
    assert_eq!(seqs(&embedded, conv).await, acked);
    embedded.shutdown().await;
    println!("recovered");
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut child = child::command_with_file_limit("disk_full::fills_what_it_may", folder.path(), LIMIT_KIB);
    let output = child.stderr(std::process::Stdio::piped()).output().expect("ran");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("recovered"), "{said}");
}
