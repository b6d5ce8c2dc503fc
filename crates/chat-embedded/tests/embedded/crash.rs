//! kill -9 at any point: what was acknowledged is there, once, and the tables agree with the log.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;

use chat_core::{ClientMsgId, ConversationId, Seq, UserId};
use chat_embedded::check_file;
use chat_ports::contract::{Seed, message_record};
use chat_ports::store::{MessageRow, MessageStore as _, Position};
use chat_ports::{Claim, LiveTail as _, MessageLog as _};
use rand::RngExt as _;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::child;
use crate::rig::open;

const CONVERSATION: ConversationId = ConversationId::new(Uuid::from_u128(7));
const AUTHOR: UserId = UserId::new(Uuid::from_u128(8));
const ROUNDS: usize = 20;
const WRITERS: usize = 8;

#[tokio::test]
#[ignore = "the process that is killed"]
async fn appends_until_killed() {
    let Some(folder) = child::folder() else { return };
    let embedded = open(&folder);
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let log = Arc::clone(&embedded.log);
        writers.spawn(async move {
            for n in 0.. {
                let record = message_record(CONVERSATION, AUTHOR, &format!("{writer} {n}"));
                let id = record.client_msg_id.expect("given");
                let seq = log.append(record).await.expect("append");
                println!("acked {seq} {id}");
            }
        });
    }
    writers.join_all().await;
}

/// Kills a process that appends after it acknowledged `after`, and gives all that it acknowledged.
fn killed_after(folder: &Path, after: usize) -> Vec<(Seq, ClientMsgId)> {
    let mut child = child::command("crash::appends_until_killed", folder).spawn().expect("starts");
    let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut acked = Vec::new();
    // To the end: what is in the pipe was acknowledged before the end came.
    for line in lines {
        let line = line.expect("text");
        let Some((_, ack)) = line.split_once("acked ") else { continue };
        let (seq, id) = ack.split_once(' ').expect("a whole line");
        acked.push((Seq::new(seq.parse().expect("a seq")), id.parse().expect("an id")));
        if acked.len() == after {
            child.kill().expect("killed");
        }
    }
    let status = child.wait().expect("ended");
    assert!(acked.len() >= after, "it ended by itself: {status}");
    acked
}

async fn rows(folder: &Path) -> Vec<MessageRow> {
    let embedded = open(folder);
    let rows = embedded.store.page(CONVERSATION, Position::Newest, 1_000_000).await.expect("page").rows;
    embedded.log.replay().await.expect("replay");
    let again = embedded.store.page(CONVERSATION, Position::Newest, 1_000_000).await.expect("page").rows;
    assert_eq!(rows, again, "the tables did not agree with the log");
    embedded.shutdown().await;
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_kill_9() {
    let (folder, seed) = (tempfile::tempdir().expect("a folder"), Seed::take());
    let mut rng = seed.rng();
    let mut acked = BTreeMap::new();
    for round in 0..ROUNDS {
        let after = rng.random_range(1..200);
        let new = killed_after(folder.path(), after);
        let embedded = open(folder.path());
        for (seq, id) in &new {
            let claim = embedded.tail.claim(CONVERSATION, AUTHOR, *id).await.expect("claim");
            assert!(matches!(claim, Claim::Settled { seq: at, .. } if at == *seq), "{seed:?} {round}: {claim:?}");
            assert!(acked.insert(*seq, *id).is_none(), "{seed:?} {round}: {seq} was given twice");
        }
        embedded.shutdown().await;
        let rows = rows(folder.path()).await;
        let there: BTreeMap<_, _> = rows.iter().map(|row| (row.seq, row.client_msg_id.expect("sent"))).collect();
        for (seq, id) in &acked {
            assert_eq!(there.get(seq), Some(id), "{seed:?} {round}: {seq} was acknowledged and is lost");
        }
        // What was under way may be there too: at most one append of each writer and round.
        assert!(there.len() <= acked.len() + WRITERS * (round + 1), "{seed:?} {round}: rows that nobody sent");
    }
    assert_eq!(check_file(&folder.path().join("chat.db")).expect("readable"), [""; 0]);
}
