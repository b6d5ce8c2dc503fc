//! What the scripts do at the edges.

use std::collections::HashMap;

use bytes::Bytes;
use chat_core::{ConversationId, EventBody, MessageId, Rev, Seq, Timestamp};
use chat_ports::{Claim, LiveTail as _, PortError, Since};
use uuid::Uuid;

use crate::rig::{Rig, conversation, standalone, user};

fn event(seq: u64) -> Bytes {
    Bytes::from(format!(r#"{{"seq":{seq}}}"#))
}

fn key(conversation: ConversationId, part: &str) -> String {
    format!("c:{{{conversation}}}:{part}")
}

async fn length(rig: &Rig, conv: ConversationId) -> u64 {
    let length: u64 = rig.raw.say(&["XLEN", &key(conv, "tail")]).await;
    let seqs: u64 = rig.raw.say(&["ZCARD", &key(conv, "seqs")]).await;
    assert_eq!(length, seqs, "both are trimmed together");
    length
}

async fn append(rig: &Rig, conv: ConversationId, seqs: impl IntoIterator<Item = u64>) {
    for seq in seqs {
        rig.tail.append(conv, Seq::new(seq), event(seq)).await.expect("append");
    }
}

#[tokio::test]
async fn the_newest_300_stay_and_only_what_is_persisted_goes() {
    let (rig, conv) = (standalone().await, conversation());
    append(&rig, conv, 1..=400).await;
    assert_eq!(length(&rig, conv).await, 400, "nothing is persisted");
    rig.tail.mark_persisted(conv, Seq::new(50)).await.expect("mark");
    assert_eq!(length(&rig, conv).await, 350, "not more than is persisted");
    rig.tail.mark_persisted(conv, Seq::new(390)).await.expect("mark");
    assert_eq!(length(&rig, conv).await, 300);
    let head: HashMap<String, u64> = {
        let fields: Vec<u64> = rig.raw.say(&["HMGET", &key(conv, "head"), "rev", "floor", "lost"]).await;
        ["rev", "floor", "lost"].into_iter().map(str::to_owned).zip(fields).collect()
    };
    assert_eq!((head["rev"], head["floor"], head["lost"]), (400, 100, 0));
    rig.tail.mark_persisted(conv, Seq::new(9_999)).await.expect("mark");
    append(&rig, conv, 401..=900).await;
    assert!((300..=332).contains(&length(&rig, conv).await), "appends trim, too");
}

#[tokio::test]
async fn one_that_is_not_persisted_holds_back_what_follows() {
    let (rig, conv) = (standalone().await, conversation());
    append(&rig, conv, [1, 1_000_000]).await;
    append(&rig, conv, 2..=500).await;
    rig.tail.mark_persisted(conv, Seq::new(500)).await.expect("mark");
    assert_eq!(length(&rig, conv).await, 500, "only a prefix by rev is trimmed");
    let newer = rig.tail.newer_than(conv, Seq::new(500)).await.expect("newer");
    assert_eq!(newer.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [1_000_000]);
}

#[tokio::test]
async fn a_tail_without_a_writer_is_cut_and_says_so() {
    let (rig, conv) = (standalone().await, conversation());
    let events: Vec<_> = (1..=10_200).map(|seq| (Seq::new(seq), event(seq))).collect();
    let repaired = rig.tail.repair(conv, events, Seq::ZERO).await.expect("repair");
    assert_eq!(repaired.appended.len(), 10_200);
    append(&rig, conv, 10_201..=10_300).await;
    assert!(length(&rig, conv).await <= 10_032, "{}", length(&rig, conv).await);
    let error = rig.tail.newer_than(conv, Seq::ZERO).await.expect_err("a part would pass for all");
    assert!(matches!(&error, PortError::Unavailable { detail, .. } if detail.contains("writer")), "{error}");
    rig.tail.mark_persisted(conv, Seq::new(10_300)).await.expect("mark");
    for _ in 0..20 {
        rig.tail.mark_persisted(conv, Seq::new(10_300)).await.expect("mark");
    }
    assert_eq!(length(&rig, conv).await, 300);
    let newer = rig.tail.newer_than(conv, Seq::new(10_290)).await.expect("the store has what was cut");
    assert_eq!(newer.len(), 10);
}

#[tokio::test]
async fn a_repair_keeps_its_order_over_several_calls() {
    let (rig, conv) = (standalone().await, conversation());
    append(&rig, conv, [700, 20]).await;
    let events: Vec<_> = (1..=1_000).rev().map(|seq| (Seq::new(seq), event(seq))).collect();
    let repaired = rig.tail.repair(conv, events, Seq::new(40)).await.expect("repair");
    let appended: Vec<_> = repaired.appended.iter().map(|event| (event.rev.get(), event.seq.get())).collect();
    let expected: Vec<_> = (3..).zip((1..=1_000).rev().filter(|seq| ![700, 20].contains(seq))).collect();
    assert_eq!(appended, expected);
    let head = rig.tail.head(conv).await.expect("head");
    assert_eq!((head.rev.get(), head.last_seq.get(), head.persisted.get()), (1_000, 1_000, 40));
    let newer = rig.tail.newer_than(conv, Seq::ZERO).await.expect("newer");
    assert_eq!(newer.len(), 1_000, "over several pages");
}

#[tokio::test]
async fn large_positions_are_exact() {
    let (rig, conv) = (standalone().await, conversation());
    let seqs = [Seq::MAX.get() - 2, Seq::MAX.get() - 1, Seq::MAX.get()];
    append(&rig, conv, seqs).await;
    append(&rig, conv, seqs).await;
    let newer = rig.tail.newer_than(conv, Seq::new(seqs[0])).await.expect("newer");
    assert_eq!(newer.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), seqs[1..]);
    rig.tail.mark_persisted(conv, Seq::new(seqs[1])).await.expect("mark");
    let head = rig.tail.head(conv).await.expect("head");
    assert_eq!((head.rev.get(), head.last_seq, head.persisted.get()), (3, Seq::MAX, seqs[1]));
}

#[tokio::test]
async fn an_entry_that_is_not_readable_is_skipped_counted_and_a_gap() {
    let (rig, conv) = (standalone().await, conversation());
    append(&rig, conv, 1..=3).await;
    let head = rig.tail.head(conv).await.expect("head");
    rig.raw.say::<()>(&["XADD", &key(conv, "tail"), "4-4", "what", "else"]).await;
    rig.raw.say::<()>(&["ZADD", &key(conv, "seqs"), "4", "4"]).await;
    rig.raw.say::<()>(&["HSET", &key(conv, "head"), "rev", "4", "last_seq", "4"]).await;
    append(&rig, conv, [5]).await;
    assert!(matches!(rig.tail.since(conv, &head.epoch, head.rev, 100).await.expect("since"), Since::Gap { .. }));
    assert_eq!(rig.redis.counters().undecodable, 1);
    let newer = rig.tail.newer_than(conv, Seq::ZERO).await.expect("newer");
    assert_eq!(newer.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [1, 2, 3, 5]);
    assert_eq!(rig.redis.counters().undecodable, 2);
}

#[tokio::test]
async fn each_part_of_a_tail_may_be_lost_alone() {
    let rig = standalone().await;
    for part in ["head", "tail", "seqs"] {
        let conv = conversation();
        append(&rig, conv, 1..=3).await;
        let head = rig.tail.head(conv).await.expect("head");
        rig.raw.say::<()>(&["DEL", &key(conv, part)]).await;
        if part != "seqs" {
            let since = rig.tail.since(conv, &head.epoch, chat_core::Rev::ZERO, 100).await.expect("since");
            assert!(matches!(since, Since::Gap { .. }), "{part}: {since:?}");
        }
        append(&rig, conv, [4]).await;
        let after = rig.tail.head(conv).await.expect("head");
        assert_eq!(after.epoch != head.epoch, part == "head", "{part}");
        assert_eq!(after.rev.get(), if part == "head" { 1 } else { 4 }, "{part}");
    }
}

#[tokio::test]
async fn everything_expires() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    append(&rig, conv, [1]).await;
    rig.tail.register(conv, &crate::rig::node()).await.expect("register");
    rig.tail.advance_cursor(conv, who, chat_core::ReadCursor::read_up_to(Seq::new(1))).await.expect("advance");
    for part in ["head", "tail", "seqs", "nodes", "cursors"] {
        let left: i64 = rig.raw.say(&["TTL", &key(conv, part)]).await;
        assert!(left > 6 * 86_400, "{part}: {left}");
    }
}

#[tokio::test]
async fn scripts_that_were_flushed_come_back() {
    let server = crate::server::Server::start(&[]).await;
    let rig = crate::rig::over(&server.url(), server.raw().await);
    let conversations: Vec<_> = (0..20).map(|_| conversation()).collect();
    append(&rig, conversations[0], [1]).await;
    for _ in 0..2 {
        rig.raw.say::<()>(&["SCRIPT", "FLUSH"]).await;
        append(&rig, conversations[0], [2]).await;
        rig.raw.say::<()>(&["SCRIPT", "FLUSH"]).await;
        let heads = rig.tail.positions(&conversations, &crate::rig::node()).await.expect("positions");
        assert_eq!((heads.len(), heads[0].rev.get()), (20, 2));
    }
}

#[tokio::test]
async fn the_lowest_position_of_a_claim_stays_and_is_not_released() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    let id = chat_core::ClientMsgId::new(Uuid::new_v4());
    let at = Timestamp::from_millis(1_700_000_000_000);
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    rig.tail.settle(conv, who, id, Seq::new(7), at).await.expect("settle");
    rig.tail.settle(conv, who, id, Seq::new(9), at).await.expect("settle");
    rig.tail.release(conv, who, id).await.expect("release");
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq: Seq::new(7), at });
}

#[tokio::test]
async fn a_claim_of_another_process_is_not_released() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    let other = rig.process(&crate::rig::standalone_url());
    let id = chat_core::ClientMsgId::new(Uuid::new_v4());
    assert_eq!(other.tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    rig.tail.release(conv, who, id).await.expect("release");
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
    other.tail.release(conv, who, id).await.expect("release");
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
}

/// Whoever gets a claim after another's time is over hears since when it was somebody's: the log has to be searched.
#[tokio::test]
async fn a_claim_that_lapsed_tells_since_when() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    let other = rig.process(&crate::rig::standalone_url());
    // Made now: nobody would look anywhere for it, were it not for the mark.
    let id = chat_core::ClientMsgId::new(Uuid::now_v7());
    let before = Timestamp::from_millis(
        i64::try_from(Uuid::now_v7().get_timestamp().expect("a time").to_unix().0).expect("seconds") * 1_000,
    );
    assert_eq!(other.tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
    chat_ports::contract::tail::TailFixture::pass(&rig, 10_500).await;
    let Claim::Lapsed { since } = rig.tail.claim(conv, who, id).await.expect("claim") else { panic!("not lapsed") };
    assert!(since >= before.plus_millis(-12_000) && since <= before.plus_millis(-5_000), "{since:?} {before:?}");
    // It is this process's now, and the other's late release takes nothing from it.
    other.tail.release(conv, who, id).await.expect("release");
    assert_eq!(other.tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
    chat_ports::contract::tail::TailFixture::pass(&rig, 10_500).await;
    let Claim::Lapsed { since: again } = other.tail.claim(conv, who, id).await.expect("claim") else {
        panic!("not lapsed")
    };
    assert!(again < since, "still since the first attempt, which is longer ago by now");
    rig.tail.settle(conv, who, id, Seq::new(3), before).await.expect("settle");
    assert_eq!(other.tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq: Seq::new(3), at: before });
}

/// The node died after the append to the tail and before it settled, and the writer has not come so far yet.
#[tokio::test]
async fn what_only_the_tail_has_is_settled() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    let id = chat_core::ClientMsgId::new(Uuid::new_v4());
    let sent = |actor| {
        let event = chat_core::Event {
            conversation: conv,
            seq: Seq::new(11),
            at: Timestamp::from_millis(1_700_000_000_000),
            actor,
            client_msg_id: Some(id),
            body: EventBody::Message { id: MessageId::new(Uuid::new_v4()), body: chat_core::MessageBody::text("hi") },
        };
        Bytes::from(serde_json::to_vec(&event).expect("JSON"))
    };
    rig.tail.append(conv, Seq::new(10), sent(user())).await.expect("somebody else's");
    rig.tail.append(conv, Seq::new(11), sent(who)).await.expect("append");
    let settled = Claim::Settled { seq: Seq::new(11), at: Timestamp::from_millis(1_700_000_000_000) };
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), settled);
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("written back"), settled);
}

#[tokio::test]
async fn the_store_is_not_asked_about_an_id_made_now() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    let mut record = chat_ports::contract::message_record(conv, who, "hi");
    let id = chat_core::ClientMsgId::new(Uuid::now_v7());
    record.client_msg_id = Some(id);
    chat_ports::contract::tail::TailFixture::append_to_log(&rig, record).await;
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
}

#[tokio::test]
async fn an_append_that_comes_after_its_event_was_trimmed_is_no_second_one() {
    let (rig, conv) = (standalone().await, conversation());
    append(&rig, conv, 1..=400).await;
    rig.tail.mark_persisted(conv, Seq::new(400)).await.expect("mark");
    assert_eq!(length(&rig, conv).await, 300, "1 to 100 were trimmed");
    let late = rig.tail.append(conv, Seq::new(50), event(50)).await.expect("append");
    assert!(!late.fresh, "it was here before");
    assert_eq!(length(&rig, conv).await, 300);
}

#[tokio::test]
async fn what_somebody_else_put_above_the_tail_does_not_stop_it() {
    let (rig, conv) = (standalone().await, conversation());
    append(&rig, conv, 1..=3).await;
    let before = rig.tail.head(conv).await.expect("head");
    // By the server's clock: far above every rev.
    let _: String = rig.raw.say(&["XADD", &key(conv, "tail"), "*", "garbage", "x"]).await;
    append(&rig, conv, [4]).await;
    let repaired = rig.tail.repair(conv, vec![(Seq::new(5), event(5))], Seq::new(3)).await.expect("repair");
    assert_eq!(repaired.appended.len(), 1);
    let since = rig.tail.since(conv, &before.epoch, chat_core::Rev::new(3), 10).await.expect("since");
    let Since::Events { events, .. } = since else { panic!("a gap: {since:?}") };
    assert_eq!(events.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(length(&rig, conv).await, 5, "the garbage is gone");
}

/// Redis came back empty while the log was away: what is on its way to the log is nowhere else yet.
#[tokio::test]
async fn a_lost_claim_is_held_all_the_same() {
    let (rig, conv, who) = (standalone().await, conversation(), user());
    let id = chat_core::ClientMsgId::new(Uuid::new_v4());
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Granted);
    chat_ports::contract::tail::TailFixture::lose(&rig).await;
    let at = Timestamp::from_millis(1_700_000_000_000);
    rig.tail.hold(conv, who, id, at).await.expect("hold");
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Pending);
    let seq = Seq::new(3);
    rig.tail.settle(conv, who, id, seq, at).await.expect("settle");
    rig.tail.hold(conv, who, id, at).await.expect("too late");
    assert_eq!(rig.tail.claim(conv, who, id).await.expect("claim"), Claim::Settled { seq, at });
}

/// Each message leaves one: what it costs is what a message per second costs, 3,600 times.
#[tokio::test]
async fn a_settled_claim_is_small_and_kept_for_an_hour() {
    const CLAIMS: u64 = 6_000;
    let server = crate::server::Server::start(&[]).await;
    let rig = crate::rig::over(&server.url(), server.raw().await);
    let used = async || {
        let info: String = rig.raw.say(&["INFO", "memory"]).await;
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a line").to_owned();
        line.trim().parse::<u64>().expect("a number")
    };
    let settle = async |n: u64| {
        let (conv, who, id) = (conversation(), user(), chat_core::ClientMsgId::new(Uuid::now_v7()));
        rig.tail.claim(conv, who, id).await.expect("claim");
        let (seq, at) = (Seq::new((1 << 44) + n), Timestamp::from_millis(1_700_000_000_000));
        rig.tail.settle(conv, who, id, seq, at).await.expect("settle");
    };
    settle(0).await;
    let before = used().await;
    for n in 1..=CLAIMS {
        settle(n).await;
    }
    let each = used().await.saturating_sub(before) / CLAIMS;
    println!("{each} bytes a claim");
    assert!(each < 230, "{each} bytes a claim");
    for key in rig.tail.claims() {
        let left: i64 = rig.raw.say(&["TTL", &key]).await;
        assert!((3_500..=3_600).contains(&left), "{left} s");
    }
}

/// What is no JSON object would break every frame that it goes into.
#[tokio::test]
async fn a_damaged_entry_is_skipped_and_counted_and_makes_a_gap() {
    for damage in ["no JSON", "{\"seq\":2", "[1]", "\u{0}"] {
        let (rig, conv) = (standalone().await, conversation());
        append(&rig, conv, [1, 2, 3]).await;
        let head = rig.tail.head(conv).await.expect("head");
        // The second entry, made anew with something else in it: a stream takes nothing before its end, so all are.
        let (stream, good) = (key(conv, "tail"), |seq: u64| String::from_utf8(event(seq).to_vec()).expect("text"));
        rig.raw.say::<()>(&["DEL", &stream]).await;
        for (id, text) in [("1-1", good(1)), ("2-2", damage.to_owned()), ("3-3", good(3))] {
            rig.raw.say::<String>(&["XADD", &stream, id, "e", &text]).await;
        }
        let since = rig.tail.since(conv, &head.epoch, Rev::ZERO, 100).await.expect("since");
        assert_eq!(since, Since::Gap { head: head.clone() }, "whoever wants it refetches from the store");
        let since = rig.tail.since(conv, &head.epoch, Rev::new(2), 100).await.expect("since");
        let Since::Events { events, .. } = since else { panic!("{since:?}") };
        assert_eq!(events.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [3]);
        let newer = rig.tail.newer_than(conv, Seq::ZERO).await.expect("newer");
        assert_eq!(newer.iter().map(|event| event.seq.get()).collect::<Vec<_>>(), [1, 3], "the store has the other");
        assert_eq!(rig.redis.counters().undecodable, 2, "each time that it was read");
        // The writer's repair takes the damaged one for there: it is in the store by then.
        append(&rig, conv, [4]).await;
        assert_eq!(rig.tail.head(conv).await.expect("head").rev, Rev::new(4));
    }
}
