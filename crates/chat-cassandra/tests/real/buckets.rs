//! A timeline goes on in new partitions, whoever writes it.

use chat_cassandra::BucketLimits;
use chat_core::{ConversationId, Seq};
use chat_ports::contract::{Seed, conversation, text, user};
use chat_ports::store::{MessageStore as _, Mutation, Position};
use rand::RngExt as _;

use crate::rig::{all_rows, client_msg_id, message, open, session};

const SMALL: BucketLimits = BucketLimits { rows: 10, bytes: 1 << 20 };

/// The states of a conversation's buckets.
async fn states(conversation: ConversationId) -> Vec<String> {
    let session = session("chat_contract").await;
    let cql = "SELECT state FROM conversation_buckets WHERE conversation_id = ?";
    let rows = session.query_unpaged(cql, (conversation.uuid(),)).await.expect("rows");
    let rows = rows.into_rows_result().expect("rows");
    rows.rows::<(String,)>().expect("texts").map(|row| row.expect("a row").0).collect()
}

fn seqs(rows: &[chat_ports::store::MessageRow]) -> Vec<u64> {
    rows.iter().map(|row| row.seq.get()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_walk_over_buckets() {
    let (store, conv, author) = (open(SMALL).await, conversation(), user());
    for from in (1..200).step_by(5) {
        store
            .apply((from..from + 5).map(|seq| message(conv, seq, author, client_msg_id())).collect())
            .await
            .expect("apply");
    }
    let open_buckets = states(conv).await.iter().filter(|state| *state == "open").count();
    assert!(open_buckets >= 15, "{open_buckets} buckets for 200 rows of 10 each");
    let expected: Vec<_> = (1..=200).collect();
    assert_eq!(seqs(&all_rows(&store, conv).await), expected);
    // A process that knows nothing yet, and one that knows the beginning only.
    assert_eq!(seqs(&all_rows(&*open(SMALL).await, conv).await), expected);
    let after = store.page(conv, Position::After(Seq::new(95)), 60).await.expect("page");
    assert_eq!((seqs(&after.rows), after.has_more), ((96..=155).collect(), true));
    let around = store.page(conv, Position::Around(Seq::new(100)), 40).await.expect("page");
    assert_eq!(seqs(&around.rows), (81..=120).collect::<Vec<_>>());
    let edit = Mutation::EditMessage {
        conversation: conv,
        target: Seq::new(3),
        body: text("edited"),
        at: chat_core::Timestamp::from_millis(1),
        version: Seq::new(500),
    };
    store.apply(vec![edit]).await.expect("apply");
    assert_eq!(store.message(conv, Seq::new(3)).await.expect("message").expect("there").body, text("edited"));
    let unread = store.unread(conv, user(), Seq::new(150), Seq::MAX).await.expect("unread");
    assert_eq!(unread.unread, 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_is_full_by_size_too() {
    let (store, conv, author) = (open(BucketLimits { rows: 1_000, bytes: 2_000 }).await, conversation(), user());
    for seq in 1..=60 {
        store.apply(vec![message(conv, seq, author, client_msg_id())]).await.expect("apply");
    }
    assert!(states(conv).await.len() >= 2);
    assert_eq!(all_rows(&store, conv).await.len(), 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_finds_the_bucket_that_another_process_opened() {
    let (writer, reader, conv, author) = (open(SMALL).await, open(SMALL).await, conversation(), user());
    for seq in 1..=100 {
        writer.apply(vec![message(conv, seq, author, client_msg_id())]).await.expect("apply");
        let newest = reader.page(conv, Position::Newest, 2).await.expect("page").rows;
        assert_eq!(newest.last().map(|row| row.seq.get()), Some(seq));
        assert!(reader.message(conv, Seq::new(seq)).await.expect("message").is_some(), "{seq}");
    }
}

/// A partition of the log goes from writer to writer, each of which remembers the buckets of its last turn. Beside the
/// owner of the moment one that does not know yet that it lost the partition goes on a little, and a node writes single
/// records far ahead. Each opens buckets as it sees fit.
#[tokio::test(flavor = "multi_thread")]
async fn several_writers_keep_one_timeline() {
    let seed = Seed::take();
    let mut rng = seed.rng();
    let writers = [open(SMALL).await, open(SMALL).await, open(SMALL).await];
    for round in 0..10 {
        let (conv, author) = (conversation(), user());
        let log: Vec<_> = (1..=240).map(|seq| message(conv, seq, author, client_msg_id())).collect();
        let piece = |from: usize, to: usize| log[from.min(log.len())..to.min(log.len())].to_vec();
        let mut at = 0;
        while at < log.len() {
            let poll = rng.random_range(1..16);
            let (owner, late) = (&writers[rng.random_range(0..3)], &writers[rng.random_range(0..3)]);
            let owned = owner.apply(piece(at, at + poll));
            let beside = async {
                let (back, on) = (rng.random_range(0..8), rng.random_range(0..12));
                late.apply(piece(at.saturating_sub(back), at + on)).await.expect("apply");
                let ahead = at + rng.random_range(0..60);
                late.apply(piece(ahead, ahead + 1)).await.expect("apply");
            };
            tokio::join!(owned, beside).0.expect("apply");
            at += poll;
        }
        let fresh = open(SMALL).await;
        let expected: Vec<_> = (1..=240).collect();
        assert_eq!(seqs(&all_rows(&fresh, conv).await), expected, "{seed:?}, round {round}");
        let states = states(conv).await;
        assert!(states.iter().filter(|state| *state == "open").count() > 1, "{states:?}");
        assert!(states.len() < 200, "{states:?}");
    }
}
