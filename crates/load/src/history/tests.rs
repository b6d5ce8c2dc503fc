use proptest::prelude::*;

use super::*;

const ROOM: Uuid = Uuid::from_u128(1);

fn id(n: u64) -> Uuid {
    Uuid::from_u128(u128::from(n) + 100)
}

fn event(n: u64, rev: u64) -> Seen<'static> {
    Seen { conversation: ROOM, epoch: "e", rev, seq: n * 3, client_msg_id: Some(id(n)) }
}

/// `count` messages sent one after the other, seen by two clients, and in history.
fn run(count: u64, fault: impl Fn(&mut History, &mut Vec<(u64, Option<Uuid>)>, u64)) -> Verdict {
    let mut history = History::default();
    let mut views = [View::default(), View::default()];
    let mut rows = Vec::new();
    for n in 1..=count {
        history.send(ROOM, id(n));
        for view in &mut views {
            history.see(view, event(n, n));
        }
        history.ack(ROOM, id(n), n * 3);
        rows.push((n * 3, Some(id(n))));
        fault(&mut history, &mut rows, n);
    }
    history.finish_conversation(ROOM, &rows);
    history.verdict().clone()
}

proptest! {
    #[test]
    fn a_faultless_run_has_no_violation(count in 1u64..60) {
        let verdict = run(count, |_, _, _| {});
        prop_assert!(verdict.sound(), "{verdict:?}");
        prop_assert_eq!((verdict.acked, verdict.delivered), (count, count * 2));
    }

    #[test]
    fn every_kind_of_fault_is_found(at in 2u64..20) {
        type Fault = Box<dyn Fn(&mut History, &mut Vec<(u64, Option<Uuid>)>, u64)>;
        let when = move |n: u64| n == at;
        let faults: Vec<(Rule, Fault)> = vec![
            (Rule::Lost, Box::new(move |_, rows, n| if when(n) { rows.pop(); })),
            (Rule::Doubled, Box::new(move |_, rows, n| if when(n) { rows.push((n * 3 + 1, Some(id(n)))); })),
            (Rule::Invented, Box::new(move |_, rows, n| if when(n) { rows.push((n * 3 + 1, Some(id(n + 1000)))); })),
            (Rule::Order, Box::new(move |h, _, n| if when(n) { h.send(ROOM, id(500)); h.ack(ROOM, id(500), 1); })),
            (Rule::TwoValues, Box::new(move |h, _, n| if when(n) { h.ack(ROOM, id(n), n * 3 + 1); })),
            (Rule::RevOrder, Box::new(move |h, _, n| if when(n) { h.see(&mut View::default(), event(n - 1, n)); })),
            (Rule::Hole, Box::new(move |h, _, n| if when(n) {
                let mut view = View { epoch: "e".into(), rev: n - 2, seq: 0 };
                h.see(&mut view, event(n, n));
            })),
            (Rule::Foreign, Box::new(move |h, _, n| if when(n) { h.foreign(ROOM); })),
            (Rule::LostLive, Box::new(move |h, _, n| if when(n) { h.behind(ROOM, &View::default(), &View { epoch: "e".into(), rev: n, seq: n * 3 }); })),
            (Rule::RefusedButThere, Box::new(move |h, rows, n| if when(n) {
                h.send(ROOM, id(700));
                h.refuse(ROOM, id(700));
                rows.push((n * 3 + 1, Some(id(700))));
            })),
            (Rule::LiveNotStored, Box::new(move |h, _, n| if when(n) {
                h.send(ROOM, id(800));
                h.see(&mut View::default(), Seen { epoch: "other", ..event(800, 1) });
            })),
        ];
        for (rule, fault) in faults {
            let verdict = run(25, fault);
            prop_assert!(verdict.count(rule) > 0, "{rule:?} at {at} was not found: {verdict:?}");
        }
    }
}
