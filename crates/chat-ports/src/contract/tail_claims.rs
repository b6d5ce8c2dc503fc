use std::sync::Arc;

use chat_core::{ReadCursor, Seq};
use tokio::task::JoinSet;

use super::given::{client_msg_id, conversation, message_record, user};
use super::tail::TailFixture;
use crate::{Claim, LiveTail};

/// How long a granted claim holds.
const HOLDS_MS: i64 = 10_000;

pub async fn a_claim_is_granted_once(fixture: impl TailFixture) {
    let (tail, conv, who, id) = (fixture.tail(), conversation(), user(), client_msg_id());
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
}

pub async fn one_of_many_at_once_is_granted(fixture: impl TailFixture) {
    let (conv, who, id) = (conversation(), user(), client_msg_id());
    let mut tasks = JoinSet::new();
    for _ in 0..32 {
        let tail = fixture.tail();
        tasks.spawn(async move { tail.claim(conv, who, id).await.expect("claim") });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|claim| **claim == Claim::Granted).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|claim| **claim == Claim::Pending).count(), 31, "{answers:?}");
}

pub async fn claims_are_apart(fixture: impl TailFixture) {
    let (tail, conv, who, id) = (fixture.tail(), conversation(), user(), client_msg_id());
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    for (conv, who, id) in [(conversation(), who, id), (conv, user(), id), (conv, who, client_msg_id())] {
        assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    }
}

pub async fn a_released_claim_is_free_at_once(fixture: impl TailFixture) {
    let (tail, conv, who, id) = (fixture.tail(), conversation(), user(), client_msg_id());
    tail.release(conv, who, id).await.expect("releasing nothing is no error");
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    tail.release(conv, who, id).await.expect("release");
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
}

pub async fn a_claim_lapses(fixture: impl TailFixture) {
    let (tail, conv, who, id) = (fixture.tail(), conversation(), user(), client_msg_id());
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    fixture.pass(HOLDS_MS - 2_000).await;
    assert_eq!(
        tail.claim(conv, who, id).await.expect("claim"),
        Claim::Pending,
        "asking does not lengthen it, but it holds"
    );
    fixture.pass(2_500).await;
    assert_given_again(tail.claim(conv, who, id).await.expect("claim"));
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Pending, "it holds for whoever has it now");
}

pub async fn a_claim_that_is_held_does_not_lapse(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    let record = message_record(conv, who, "slow");
    let (id, at) = (record.client_msg_id.expect("given"), record.at);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    for _ in 0..3 {
        fixture.pass(HOLDS_MS * 2 / 3).await;
        tail.hold(conv, who, id, at).await.expect("hold");
    }
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
    fixture.pass(2 * HOLDS_MS).await;
    assert_given_again(tail.claim(conv, who, id).await.expect("claim"));
}

/// Whoever had it may have settled it late: that counts, and so does the lowest position.
pub async fn a_claim_that_lapsed_stays_settled_once_it_is(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    let record = message_record(conv, who, "late");
    let (id, at) = (record.client_msg_id.expect("given"), record.at);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    fixture.pass(HOLDS_MS + 500).await;
    assert_given_again(tail.claim(conv, who, id).await.expect("claim"));
    let seq = fixture.append_to_log(record).await;
    tail.settle(conv, who, id, seq, at).await.expect("settle");
    tail.hold(conv, who, id, at).await.expect("holding what is settled changes nothing");
    tail.release(conv, who, id).await.expect("nor does releasing it");
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
}

/// To be appended now; a tail whose store may be behind says that somebody had it before.
fn assert_given_again(claim: Claim) {
    assert!(matches!(claim, Claim::Granted | Claim::Lapsed { .. }), "{claim:?}");
}

pub async fn a_settled_claim_tells_its_position(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    let record = message_record(conv, who, "once");
    let (id, at) = (record.client_msg_id.expect("given"), record.at);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    let seq = fixture.append_to_log(record).await;
    tail.settle(conv, who, id, seq, at).await.expect("settle");
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
    tail.settle(conv, who, id, seq, at).await.expect("settling again changes nothing");
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
}

pub async fn a_settled_claim_outlives_its_grant(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    let record = message_record(conv, who, "once");
    let (id, at) = (record.client_msg_id.expect("given"), record.at);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    let seq = fixture.append_to_log(record).await;
    tail.settle(conv, who, id, seq, at).await.expect("settle");
    fixture.pass(2 * HOLDS_MS).await;
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
}

/// Wherever it is remembered: nobody sends twice who comes back on the next day.
pub async fn a_settled_claim_is_known_for_a_day(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    let record = message_record(conv, who, "once");
    let (id, at) = (record.client_msg_id.expect("given"), record.at);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    let seq = fixture.append_to_log(record).await;
    tail.settle(conv, who, id, seq, at).await.expect("settle");
    for _ in 0..4 {
        fixture.pass(6 * 3_600_000 - 100).await;
        assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
    }
}

/// The node died between the log's answer and `settle`: its client's retry finds the first record.
pub async fn what_the_log_has_is_settled_after_a_loss(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    let record = message_record(conv, who, "once");
    let (id, at) = (record.client_msg_id.expect("given"), record.at);
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    let seq = fixture.append_to_log(record).await;
    fixture.lose().await;
    assert_eq!(tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
}

fn read(seq: u64) -> ReadCursor {
    ReadCursor::read_up_to(Seq::new(seq))
}

fn delivered(seq: u64) -> ReadCursor {
    ReadCursor::delivered_up_to(Seq::new(seq))
}

pub async fn a_cursor_only_grows(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    assert_eq!(tail.advance_cursor(conv, who, read(10)).await.expect("advance"), Some(read(10)));
    assert_eq!(tail.advance_cursor(conv, who, read(10)).await.expect("advance"), None);
    assert_eq!(tail.advance_cursor(conv, who, read(5)).await.expect("advance"), None);
    assert_eq!(tail.advance_cursor(conv, who, read(11)).await.expect("advance"), Some(read(11)));
}

pub async fn what_was_read_was_delivered(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    assert_eq!(tail.advance_cursor(conv, who, delivered(10)).await.expect("advance"), Some(delivered(10)));
    let both = ReadCursor { read: Seq::new(4), delivered: Seq::new(10) };
    assert_eq!(tail.advance_cursor(conv, who, read(4)).await.expect("advance"), Some(both));
    assert_eq!(tail.advance_cursor(conv, who, read(12)).await.expect("advance"), Some(read(12)));
    assert_eq!(tail.advance_cursor(conv, who, delivered(12)).await.expect("advance"), None);
}

pub async fn cursors_are_apart(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    tail.advance_cursor(conv, who, read(10)).await.expect("advance");
    assert_eq!(tail.advance_cursor(conv, user(), read(3)).await.expect("advance"), Some(read(3)));
    assert_eq!(tail.advance_cursor(conversation(), who, read(3)).await.expect("advance"), Some(read(3)));
}

pub async fn concurrent_advances_end_at_the_highest(fixture: impl TailFixture) {
    let (conv, who) = (conversation(), user());
    let mut tasks = JoinSet::new();
    for n in 1..=32 {
        let tail: Arc<dyn LiveTail> = fixture.tail();
        tasks.spawn(async move { tail.advance_cursor(conv, who, read(n)).await.expect("advance") });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| **answer == Some(read(32))).count(), 1, "{answers:?}");
    assert_eq!(fixture.tail().advance_cursor(conv, who, read(32)).await.expect("advance"), None);
}

pub async fn a_cursor_goes_on_from_the_store(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    fixture.store().put_cursor(conv, who, read(20)).await.expect("put");
    assert_eq!(
        tail.advance_cursor(conv, who, read(15)).await.expect("advance"),
        None,
        "the tail was lost, the store remembers"
    );
    assert_eq!(tail.advance_cursor(conv, who, read(21)).await.expect("advance"), Some(read(21)));
}

pub async fn a_cursor_is_read_back(fixture: impl TailFixture) {
    let (tail, conv, who) = (fixture.tail(), conversation(), user());
    assert_eq!(tail.cursor(conv, who).await.expect("cursor"), ReadCursor::default());
    fixture.store().put_cursor(conv, who, read(20)).await.expect("put");
    assert_eq!(tail.cursor(conv, who).await.expect("cursor"), read(20), "from the store");
    tail.advance_cursor(conv, who, read(30)).await.expect("advance");
    assert_eq!(tail.cursor(conv, who).await.expect("cursor"), read(30), "before the store has it");
}
