//! One send, one message, also when two processes project its two records at once.

use chat_cassandra::BucketLimits;
use chat_core::Seq;
use chat_ports::contract::{conversation, user};
use chat_ports::store::MessageStore as _;

use crate::rig::{all_rows, client_msg_id, message, open};

#[tokio::test(flavor = "multi_thread")]
async fn the_lower_of_two_at_once_stays() {
    let (one, other) = (open(BucketLimits::default()).await, open(BucketLimits::default()).await);
    let conv = conversation();
    let mut expected = Vec::new();
    for round in 0..200 {
        let (author, id, seq) = (user(), client_msg_id(), round * 10 + 1);
        let (low, high) = (message(conv, seq, author, id), message(conv, seq + 5, author, id));
        let both = tokio::join!(one.apply(vec![low]), other.apply(vec![high]));
        both.0.expect("apply");
        both.1.expect("apply");
        expected.push(seq);
        assert_eq!(one.claimed(conv, author, id).await.expect("claimed").map(|(seq, _)| seq), Some(Seq::new(seq)));
    }
    let seqs: Vec<_> = all_rows(&one, conv).await.iter().map(|row| row.seq.get()).collect();
    assert_eq!(seqs, expected);
}
