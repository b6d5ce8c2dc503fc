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

/// What one step of a made-up run is.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// Somebody sends.
    Send,
    /// The server takes the oldest (or, true, the youngest) send under way.
    Take(bool),
    /// A client sees its next events, so many.
    See(usize, u8),
    /// A client loses its connection and resumes: the frames of so many events come again.
    Resume(usize, u8),
    /// The server forgets its tail: a new epoch.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Send),
        4 => any::<bool>().prop_map(Step::Take),
        6 => (0..3usize, 1..5u8).prop_map(|(client, count)| Step::See(client, count)),
        1 => (0..3usize, 1..5u8).prop_map(|(client, count)| Step::Resume(client, count)),
        1 => Just(Step::Restart),
    ]
}

/// A correct server with three clients, whose sends and deliveries interleave in any way.
#[derive(Default)]
struct World {
    history: History,
    under_way: Vec<u64>,
    /// The events of the present epoch: seq and message.
    tail: Vec<(u64, u64)>,
    epoch: u32,
    rows: Vec<(u64, Option<Uuid>)>,
    views: [View; 3],
    sent: u64,
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        world.views = std::array::from_fn(|_| world.end());
        world
    }

    fn end(&self) -> View {
        let seq = self.rows.last().map_or(0, |(seq, _)| *seq);
        View { epoch: format!("e{}", self.epoch), rev: self.tail.len() as u64, seq }
    }

    fn act(&mut self, step: Step) {
        match step {
            Step::Send => {
                self.sent += 1;
                self.history.send(ROOM, id(self.sent));
                self.under_way.push(self.sent);
            }
            Step::Take(_) if self.under_way.is_empty() => {}
            Step::Take(youngest) => {
                let n = if youngest { self.under_way.pop().expect("one") } else { self.under_way.remove(0) };
                let seq = self.rows.last().map_or(0, |(seq, _)| *seq) + 1 + n % 3;
                self.rows.push((seq, Some(id(n))));
                self.tail.push((seq, n));
                self.history.ack(ROOM, id(n), seq);
            }
            Step::See(client, count) => (0..count).for_each(|_| self.see(client)),
            Step::Resume(client, count) => {
                for back in (0..u64::from(count)).rev() {
                    let rev = self.views[client].rev.saturating_sub(back);
                    self.deliver(client, rev);
                }
            }
            Step::Restart => {
                // A client that has not come to the end of an epoch reads history instead.
                self.epoch += 1;
                self.tail.clear();
                self.history.refetched(ROOM);
                self.views = std::array::from_fn(|_| self.end());
            }
        }
    }

    fn see(&mut self, client: usize) {
        self.deliver(client, self.views[client].rev + 1);
    }

    fn deliver(&mut self, client: usize, rev: u64) {
        let Some((seq, n)) = rev.checked_sub(1).and_then(|at| self.tail.get(usize::try_from(at).expect("small")))
        else {
            return;
        };
        let (seq, epoch) = (*seq, format!("e{}", self.epoch));
        let seen = Seen { conversation: ROOM, epoch: &epoch, rev, seq, client_msg_id: Some(id(*n)) };
        if self.history.see(&mut self.views[client], seen) != Next::Skip {
            self.views[client].seq = seq;
        }
    }

    /// Everybody sees everything that is left; the last row may be lost by the store.
    fn end_with(mut self, lose: bool) -> (Verdict, bool) {
        for client in 0..3 {
            (0..=self.tail.len()).for_each(|_| self.see(client));
        }
        let goal = self.end();
        let reached = self.views.iter().all(|view| view.reached(&goal));
        let lost = lose && self.rows.pop().is_some();
        self.history.finish_conversation(ROOM, &self.rows);
        (self.history.verdict().clone(), reached && (lost || !lose))
    }
}

proptest! {
    #[test]
    fn whatever_a_correct_server_does_is_sound(steps in proptest::collection::vec(step(), 0..200)) {
        let mut world = World::new();
        for step in steps {
            world.act(step);
        }
        let (verdict, reached) = world.end_with(false);
        prop_assert!(verdict.sound(), "{verdict}");
        prop_assert!(reached, "a client that saw everything does not stand at the end");
    }

    #[test]
    fn one_lost_row_is_found_in_any_run(steps in proptest::collection::vec(step(), 0..200)) {
        let mut world = World::new();
        for step in steps {
            world.act(step);
        }
        world.act(Step::Send);
        world.act(Step::Take(true));
        let (verdict, _) = world.end_with(true);
        prop_assert_eq!(verdict.count(Rule::Lost), 1, "{}", verdict);
    }
}
