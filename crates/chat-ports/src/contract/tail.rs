use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{ConversationId, Epoch, NodeId, Rev, Seq};
use chat_wire::{LogRecord, NodeFrame};
use tokio::sync::mpsc::Receiver;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::given::{conversation, user};
use crate::{Appended, LiveTail, Repaired, Since, TailEvent};

/// A tail, and what a test does to it from outside.
#[async_trait]
pub trait TailFixture: Send + Sync {
    fn tail(&self) -> Arc<dyn LiveTail>;
    /// The store behind it.
    fn store(&self) -> Arc<dyn crate::ChatStore>;
    /// Appends to the log behind it, until the store has it too.
    async fn append_to_log(&self, record: LogRecord) -> Seq;
    /// Everything that the tail holds is gone, as after a crash of what keeps it.
    async fn lose(&self);
    /// Lets this much time pass for claims.
    async fn pass(&self, millis: i64);
}

fn event(seq: u64) -> Bytes {
    Bytes::from(format!(r#"{{"seq":{seq}}}"#))
}

async fn append(tail: &Arc<dyn LiveTail>, conv: ConversationId, seq: u64) -> Appended {
    tail.append(conv, Seq::new(seq), event(seq)).await.expect("append")
}

fn node() -> NodeId {
    format!("n-{}", Uuid::new_v4().simple()).parse().expect("a node id")
}

fn expected(rev: u64, seq: u64) -> TailEvent {
    TailEvent { rev: Rev::new(rev), seq: Seq::new(seq), event: event(seq) }
}

async fn events_since(tail: &Arc<dyn LiveTail>, conv: ConversationId, epoch: &Epoch, rev: u64) -> Vec<TailEvent> {
    match tail.since(conv, epoch, Rev::new(rev), 1_000).await.expect("since") {
        Since::Events { head, events } => {
            assert_eq!(events.last().map_or(Rev::new(rev), |event| event.rev), head.rev);
            events
        }
        Since::Gap { head } => panic!("a gap after rev {rev}, the head is {head:?}"),
    }
}

async fn is_gap(tail: &Arc<dyn LiveTail>, conv: ConversationId, epoch: &Epoch, rev: u64, limit: usize) -> bool {
    matches!(tail.since(conv, epoch, Rev::new(rev), limit).await.expect("since"), Since::Gap { .. })
}

pub async fn a_new_tail_is_empty_and_keeps_its_epoch(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    let head = tail.head(conv).await.expect("head");
    assert_eq!((head.rev, head.last_seq), (Rev::ZERO, Seq::ZERO));
    assert_eq!(tail.head(conv).await.expect("head"), head);
    assert_eq!(append(&tail, conv, 7).await.epoch, head.epoch);
    let after = tail.head(conv).await.expect("head");
    assert_eq!((after.epoch, after.rev, after.last_seq), (head.epoch, Rev::new(1), Seq::new(7)));
}

pub async fn rev_is_dense_whatever_the_order_of_seq(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for (rev, seq) in (1..).zip([10, 40, 30, 90, 20]) {
        let appended = append(&tail, conv, seq).await;
        assert_eq!((appended.rev, appended.fresh), (Rev::new(rev), true));
    }
    let head = tail.head(conv).await.expect("head");
    assert_eq!((head.rev, head.last_seq), (Rev::new(5), Seq::new(90)));
    let events = events_since(&tail, conv, &head.epoch, 0).await;
    assert_eq!(events, [expected(1, 10), expected(2, 40), expected(3, 30), expected(4, 90), expected(5, 20)]);
}

pub async fn a_seq_is_appended_once(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for seq in 1..=5 {
        append(&tail, conv, seq).await;
    }
    let again = append(&tail, conv, 2).await;
    assert_eq!((again.rev, again.fresh), (Rev::new(2), false));
    assert_eq!(tail.head(conv).await.expect("head").rev, Rev::new(5));
    assert_eq!(events_since(&tail, conv, &again.epoch, 0).await.len(), 5);
}

pub async fn concurrent_appends_leave_no_hole(fixture: impl TailFixture) {
    let conv = conversation();
    let mut tasks = JoinSet::new();
    for task in 0..8u64 {
        let tail = fixture.tail();
        tasks.spawn(async move {
            for n in 0..25 {
                append(&tail, conv, 1 + task + 8 * n).await;
            }
        });
    }
    tasks.join_all().await;
    let tail = fixture.tail();
    let epoch = tail.head(conv).await.expect("head").epoch;
    let events = events_since(&tail, conv, &epoch, 0).await;
    let revs: Vec<_> = events.iter().map(|event| event.rev.get()).collect();
    assert_eq!(revs, (1..=200).collect::<Vec<_>>());
    let mut seqs: Vec<_> = events.iter().map(|event| event.seq.get()).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=200).collect::<Vec<_>>());
}

pub async fn concurrent_appends_of_one_seq_make_one_event(fixture: impl TailFixture) {
    let conv = conversation();
    let mut tasks = JoinSet::new();
    for _ in 0..16 {
        let tail = fixture.tail();
        tasks.spawn(async move { append(&tail, conv, 5).await });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.fresh).count(), 1);
    assert!(answers.iter().all(|answer| answer.rev == Rev::new(1) && answer.epoch == answers[0].epoch));
}

pub async fn since_gives_all_or_a_gap(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for seq in 1..=20 {
        append(&tail, conv, seq * 3).await;
    }
    let epoch = tail.head(conv).await.expect("head").epoch;
    let all: Vec<_> = (1..=20).map(|n| expected(n, n * 3)).collect();
    assert_eq!(events_since(&tail, conv, &epoch, 0).await, all);
    assert_eq!(events_since(&tail, conv, &epoch, 15).await, all[15..]);
    assert_eq!(events_since(&tail, conv, &epoch, 20).await, []);
    assert!(!is_gap(&tail, conv, &epoch, 15, 5).await, "exactly as many as allowed");
    assert!(is_gap(&tail, conv, &epoch, 14, 5).await, "never a part");
    assert!(is_gap(&tail, conv, &epoch, 21, 100).await, "the reader is ahead of the tail");
    let other: Epoch = "another".parse().expect("an epoch");
    assert!(is_gap(&tail, conv, &other, 15, 100).await, "a rev of another epoch says nothing");
}

pub async fn a_long_tail_gives_its_end_or_a_gap(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for seq in 1..=1_000 {
        append(&tail, conv, seq).await;
        tail.mark_persisted(conv, Seq::new(seq)).await.expect("mark");
    }
    let epoch = tail.head(conv).await.expect("head").epoch;
    let end: Vec<_> = (901..=1_000).map(|n| expected(n, n)).collect();
    assert_eq!(events_since(&tail, conv, &epoch, 900).await, end);
    match tail.since(conv, &epoch, Rev::ZERO, 10_000).await.expect("since") {
        Since::Gap { head } => assert_eq!(head.rev, Rev::new(1_000)),
        Since::Events { events, .. } => assert_eq!(events.len(), 1_000, "all, or a gap"),
    }
}

pub async fn newer_than_gives_what_the_store_may_lack(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for seq in [30, 10, 20, 50, 40] {
        append(&tail, conv, seq).await;
    }
    let seqs = |events: Vec<TailEvent>| events.iter().map(|event| event.seq.get()).collect::<Vec<_>>();
    assert_eq!(seqs(tail.newer_than(conv, Seq::ZERO).await.expect("newer")), [10, 20, 30, 40, 50]);
    assert_eq!(seqs(tail.newer_than(conv, Seq::new(30)).await.expect("newer")), [40, 50]);
    assert_eq!(seqs(tail.newer_than(conv, Seq::new(50)).await.expect("newer")), [0; 0]);
    for seq in 51..=600 {
        append(&tail, conv, seq).await;
    }
    // What is not known to be in the store must be in the tail, however long it gets.
    let persisted = tail.head(conv).await.expect("head").persisted.get();
    let kept = seqs(tail.newer_than(conv, Seq::new(persisted)).await.expect("newer"));
    assert_eq!(
        kept,
        [10, 20, 30, 40, 50].into_iter().chain(51..=600).filter(|seq| *seq > persisted).collect::<Vec<_>>()
    );
}

pub async fn persisted_only_grows(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for seq in 1..=9 {
        append(&tail, conv, seq).await;
    }
    tail.mark_persisted(conv, Seq::new(8)).await.expect("mark");
    let persisted = tail.head(conv).await.expect("head").persisted;
    assert!(persisted >= Seq::new(8));
    tail.mark_persisted(conv, Seq::new(3)).await.expect("mark");
    assert!(tail.head(conv).await.expect("head").persisted >= persisted);
}

pub async fn tails_are_apart(fixture: impl TailFixture) {
    let (tail, one, other) = (fixture.tail(), conversation(), conversation());
    append(&tail, one, 1).await;
    append(&tail, one, 2).await;
    assert_eq!(append(&tail, other, 3).await.rev, Rev::new(1));
    let (one, other) = (tail.head(one).await.expect("head"), tail.head(other).await.expect("head"));
    assert_eq!((one.rev, other.rev), (Rev::new(2), Rev::new(1)));
    assert_ne!(one.epoch, other.epoch, "an epoch is one life of one tail");
}

pub async fn a_lost_tail_has_a_new_epoch(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    let before = append(&tail, conv, 5).await;
    fixture.lose().await;
    let after = append(&tail, conv, 6).await;
    assert_ne!(after.epoch, before.epoch);
    assert_eq!(after.rev, Rev::new(1));
    assert!(is_gap(&tail, conv, &before.epoch, 1, 100).await, "a reader of the lost tail must notice");
    assert_eq!(events_since(&tail, conv, &after.epoch, 0).await, [expected(1, 6)]);
}

pub async fn nodes_are_registered_once(fixture: impl TailFixture) {
    let (tail, conv, a, b) = (fixture.tail(), conversation(), node(), node());
    tail.unregister(conv, &a).await.expect("nobody is no error");
    for node in [&a, &b, &a] {
        tail.register(conv, node).await.expect("register");
    }
    let mut both = [a.clone(), b.clone()];
    both.sort();
    let mut nodes = tail.nodes(conv).await.expect("nodes");
    nodes.sort();
    assert_eq!(nodes, both);
    tail.unregister(conv, &a).await.expect("unregister");
    assert_eq!(tail.nodes(conv).await.expect("nodes"), [b]);
    assert_eq!(tail.nodes(conversation()).await.expect("nodes"), []);
}

pub async fn an_append_names_the_nodes(fixture: impl TailFixture) {
    let (tail, conv, node) = (fixture.tail(), conversation(), node());
    assert_eq!(append(&tail, conv, 1).await.nodes, []);
    tail.register(conv, &node).await.expect("register");
    assert_eq!(append(&tail, conv, 2).await.nodes, std::slice::from_ref(&node));
    assert_eq!(append(&tail, conv, 2).await.nodes, [node], "also when it was there: the hint may have been lost");
}

fn frame(n: usize) -> NodeFrame {
    NodeFrame::ToUser { user: user(), frame: Bytes::from(format!("{{\"n\":{n}}}")) }
}

async fn next(channel: &mut Receiver<Vec<NodeFrame>>) -> Option<Vec<NodeFrame>> {
    let wait = tokio::time::timeout(std::time::Duration::from_secs(10), channel.recv());
    wait.await.expect("the hint, or the end of the channel")
}

pub async fn hints_reach_their_node_in_order(fixture: impl TailFixture) {
    let (tail, a, b) = (fixture.tail(), node(), node());
    let (mut to_a, mut to_b) =
        (tail.subscribe(&a).await.expect("subscribe"), tail.subscribe(&b).await.expect("subscribe"));
    let frames: Vec<_> = (0..10).map(frame).collect();
    for frame in &frames {
        tail.publish(&a, vec![frame.clone()]).await.expect("publish");
    }
    tail.publish(&b, vec![frame(99), frame(98)]).await.expect("publish");
    let mut got = Vec::new();
    while got.len() < frames.len() {
        got.extend(next(&mut to_a).await.expect("open"));
    }
    assert_eq!(got, frames);
    assert_eq!(next(&mut to_b).await.expect("open").len(), 2);
}

pub async fn hints_to_nobody_are_no_error(fixture: impl TailFixture) {
    fixture.tail().publish(&node(), vec![frame(1)]).await.expect("publish");
}

pub async fn a_slow_receiver_learns_that_it_missed_something(fixture: impl TailFixture) {
    const MANY: usize = 50_000;
    let (tail, node) = (fixture.tail(), node());
    let mut channel = tail.subscribe(&node).await.expect("subscribe");
    for n in 0..MANY {
        tail.publish(&node, vec![frame(n)]).await.expect("publishing never waits for a reader");
    }
    let mut got = 0;
    while got < MANY
        && let Some(frames) = next(&mut channel).await
    {
        got += frames.len();
    }
    // Either all came, or the channel has closed: waiting for ever would have failed above.
    let mut again = tail.subscribe(&node).await.expect("subscribe");
    tail.publish(&node, vec![frame(0)]).await.expect("publish");
    assert_eq!(next(&mut again).await.expect("a new channel is open").len(), 1);
}

pub async fn subscribing_again_ends_the_older_channel(fixture: impl TailFixture) {
    let (tail, node) = (fixture.tail(), node());
    let mut older = tail.subscribe(&node).await.expect("subscribe");
    let mut newer = tail.subscribe(&node).await.expect("subscribe");
    tail.publish(&node, vec![frame(1)]).await.expect("publish");
    assert_eq!(next(&mut newer).await.expect("open").len(), 1);
    while next(&mut older).await.is_some() {}
}

pub async fn is_ready(fixture: impl TailFixture) {
    fixture.tail().check().await.expect("ready");
}

async fn repair(tail: &Arc<dyn LiveTail>, conv: ConversationId, seqs: &[u64], persisted: u64) -> Repaired {
    let events = seqs.iter().map(|seq| (Seq::new(*seq), event(*seq))).collect();
    tail.repair(conv, events, Seq::new(persisted)).await.expect("repair")
}

pub async fn a_repair_appends_what_is_lacking(fixture: impl TailFixture) {
    let (tail, conv, here) = (fixture.tail(), conversation(), node());
    tail.register(conv, &here).await.expect("register");
    append(&tail, conv, 10).await;
    let appended = append(&tail, conv, 30).await;
    let repaired = repair(&tail, conv, &[10, 20, 30, 40], 40).await;
    assert_eq!((repaired.epoch.clone(), repaired.nodes), (appended.epoch, vec![here]));
    assert_eq!(repaired.appended, [expected(3, 20), expected(4, 40)]);
    assert_eq!(repair(&tail, conv, &[10, 20, 30, 40], 40).await.appended, [], "once");
    let head = tail.head(conv).await.expect("head");
    assert_eq!((head.rev, head.last_seq), (Rev::new(4), Seq::new(40)));
    assert!(head.persisted >= Seq::new(40));
}

pub async fn a_repair_of_a_lost_tail_begins_a_new_one(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    let before = append(&tail, conv, 10).await;
    fixture.lose().await;
    let repaired = repair(&tail, conv, &[10, 20], 20).await;
    assert_ne!(repaired.epoch, before.epoch);
    assert_eq!(repaired.appended, [expected(1, 10), expected(2, 20)]);
}

pub async fn a_repair_does_not_bring_back_what_was_trimmed(fixture: impl TailFixture) {
    let (tail, conv) = (fixture.tail(), conversation());
    for seq in 1..=1_000 {
        append(&tail, conv, seq).await;
        if seq % 100 == 0 {
            tail.mark_persisted(conv, Seq::new(seq)).await.expect("mark");
        }
    }
    let head = tail.head(conv).await.expect("head");
    assert_eq!(repair(&tail, conv, &[1, 2, 1_000], 1_000).await.appended, []);
    assert_eq!(tail.head(conv).await.expect("head").rev, head.rev);
}

pub async fn positions_register_and_tell(fixture: impl TailFixture) {
    let (tail, here, quiet, busy) = (fixture.tail(), node(), conversation(), conversation());
    append(&tail, busy, 7).await;
    let heads = tail.positions(&[quiet, busy], &here).await.expect("positions");
    assert_eq!(heads.iter().map(|head| head.rev).collect::<Vec<_>>(), [Rev::ZERO, Rev::new(1)]);
    assert_eq!(heads[1], tail.head(busy).await.expect("head"));
    assert_eq!(append(&tail, quiet, 9).await.nodes, std::slice::from_ref(&here));
    assert_eq!(tail.nodes(busy).await.expect("nodes"), [here]);
}
