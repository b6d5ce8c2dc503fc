//! Proves that a run kept its promises, or names what it broke. The rules are those of `docs/reference/protocol.md`.

mod verdict;

use std::collections::HashMap;

use uuid::Uuid;

pub use verdict::{Rule, Verdict};

/// What became of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Acked(u64),
    /// Refused for good.
    Refused,
}

#[derive(Debug)]
struct Sent {
    fate: Fate,
    /// The highest seq that was acknowledged when it was first sent.
    floor: u64,
    /// The seq at which somebody saw it live.
    seen: Option<u64>,
}

#[derive(Debug, Default)]
struct Conversation {
    sent: HashMap<Uuid, Sent>,
    acked_up_to: u64,
    /// For each epoch, what each rev was.
    revs: HashMap<String, HashMap<u64, u64>>,
    /// Which rev a seq had, in each epoch.
    seqs: HashMap<(String, u64), u64>,
}

/// Where one connection stands in one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    pub epoch: String,
    pub rev: u64,
    /// The highest seq that it knows.
    pub seq: u64,
}

/// An event as a client saw it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub conversation: Uuid,
    pub epoch: &'a str,
    pub rev: u64,
    pub seq: u64,
    /// Of a message; other events have none that matters here.
    pub client_msg_id: Option<Uuid>,
}

/// What a client should do after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Go,
    /// A new epoch or a hole: refetch from the last seq, then go on from this event.
    Refetch,
    /// It had that already.
    Skip,
}

/// Collects what all clients did and saw.
#[derive(Debug, Default)]
pub struct History {
    conversations: HashMap<Uuid, Conversation>,
    verdict: Verdict,
}

impl History {
    pub fn send(&mut self, conversation: Uuid, id: Uuid) {
        let conversation = self.conversations.entry(conversation).or_default();
        let floor = conversation.acked_up_to;
        conversation.sent.entry(id).or_insert(Sent { fate: Fate::Open, floor, seen: None });
    }

    pub fn ack(&mut self, conversation: Uuid, id: Uuid, seq: u64) {
        let entry = self.conversations.entry(conversation).or_default();
        entry.acked_up_to = entry.acked_up_to.max(seq);
        match entry.sent.get_mut(&id) {
            None => self.verdict.broke(Rule::Invented, || format!("an ack for {id}, which was never sent")),
            Some(sent) => {
                if let Fate::Acked(before) = sent.fate
                    && before != seq
                {
                    self.verdict.broke(Rule::TwoValues, || format!("{id} was acked at {before} and at {seq}"));
                }
                if sent.fate == Fate::Refused {
                    self.verdict.broke(Rule::RefusedButThere, || format!("{id} was refused, then acked at {seq}"));
                }
                if !matches!(sent.fate, Fate::Acked(_)) {
                    self.verdict.acked += 1;
                }
                if seq <= sent.floor {
                    let floor = sent.floor;
                    self.verdict
                        .broke(Rule::Order, || format!("{id} was sent after the ack of {floor}, and has {seq}"));
                }
                sent.fate = Fate::Acked(seq);
            }
        }
    }

    /// The server said that it will never take this.
    pub fn refuse(&mut self, conversation: Uuid, id: Uuid) {
        if let Some(sent) = self.conversations.entry(conversation).or_default().sent.get_mut(&id)
            && sent.fate == Fate::Open
        {
            sent.fate = Fate::Refused;
            self.verdict.refused += 1;
        }
    }

    /// A client saw an event live.
    pub fn see(&mut self, view: &mut View, event: Seen<'_>) -> Next {
        self.verdict.delivered += 1;
        let Seen { conversation, epoch, rev, seq, client_msg_id } = event;
        let entry = self.conversations.entry(conversation).or_default();
        let revs = match entry.revs.get_mut(epoch) {
            Some(revs) => revs,
            None => entry.revs.entry(epoch.to_owned()).or_default(),
        };
        match revs.get(&rev) {
            Some(known) if *known != seq => {
                let known = *known;
                self.verdict.broke(Rule::RevOrder, || format!("rev {rev} of {epoch} was {known} and {seq}"));
            }
            Some(_) => {}
            None => {
                revs.insert(rev, seq);
                if let Some(other) = entry.seqs.insert((epoch.to_owned(), seq), rev) {
                    self.verdict
                        .broke(Rule::Doubled, || format!("seq {seq} came as rev {other} and as rev {rev} of {epoch}"));
                }
                if let Some(id) = client_msg_id {
                    see_first(&mut self.verdict, entry, id, seq);
                }
            }
        }
        if view.epoch != epoch {
            let first = view.epoch.is_empty();
            *view = View { epoch: epoch.to_owned(), rev, seq: view.seq };
            return if first { Next::Go } else { Next::Refetch };
        }
        if rev <= view.rev {
            self.verdict.doubled_frames += 1;
            return Next::Skip;
        }
        let hole = rev != view.rev + 1;
        if hole {
            let at = view.rev;
            self.verdict.broke(Rule::Hole, || format!("rev {rev} of {epoch} came after {at}"));
        }
        view.rev = rev;
        if hole { Next::Refetch } else { Next::Go }
    }

    /// A client got something of a conversation that is not theirs.
    pub fn foreign(&mut self, conversation: Uuid) {
        self.verdict.broke(Rule::Foreign, || format!("an event of {conversation} reached somebody who is no member"));
    }

    /// Where everybody should stand in an epoch at the end.
    pub fn last_rev(&self, conversation: Uuid, epoch: &str) -> Option<u64> {
        self.conversations.get(&conversation)?.revs.get(epoch)?.keys().max().copied()
    }

    /// A connection that stayed to the end and did not get everything.
    pub fn behind(&mut self, conversation: Uuid, missing: u64) {
        for _ in 0..missing.min(1_000) {
            self.verdict.broke(Rule::LostLive, || format!("a member of {conversation} missed {missing} live events"));
        }
    }

    /// The whole history of a conversation after the run, ascending: `(seq, client_msg_id)` of messages.
    pub fn finish_conversation(&mut self, conversation: Uuid, rows: &[(u64, Option<Uuid>)]) {
        let entry = self.conversations.entry(conversation).or_default();
        let mut stored: HashMap<Uuid, u64> = HashMap::new();
        let mut last = None;
        for (seq, id) in rows {
            if last.is_some_and(|last| last >= *seq) {
                self.verdict.broke(Rule::Order, || format!("history has {seq} after {}", last.unwrap_or_default()));
            }
            last = Some(*seq);
            let Some(id) = id else { continue };
            if let Some(other) = stored.insert(*id, *seq) {
                self.verdict.broke(Rule::Doubled, || format!("history has {id} at {other} and at {seq}"));
            }
            match entry.sent.get(id) {
                None => {
                    self.verdict.broke(Rule::Invented, || format!("history has {id} at {seq}, which was never sent"));
                }
                Some(Sent { fate: Fate::Refused, .. }) => {
                    self.verdict
                        .broke(Rule::RefusedButThere, || format!("{id} was refused, and is in history at {seq}"));
                }
                Some(_) => {}
            }
        }
        for (id, sent) in &entry.sent {
            match (sent.fate, stored.get(id)) {
                (Fate::Acked(seq), None) => {
                    self.verdict.broke(Rule::Lost, || format!("{id} was acked at {seq}, and is not in history"));
                }
                (Fate::Acked(seq), Some(at)) if seq != *at => {
                    self.verdict
                        .broke(Rule::TwoValues, || format!("{id} was acked at {seq}, and is in history at {at}"));
                }
                (Fate::Acked(_), Some(_)) if sent.seen.is_none() => self.verdict.unseen += 1,
                (Fate::Open, _) => self.verdict.open += 1,
                _ => {}
            }
            if let (Some(seen), None) = (sent.seen, stored.get(id)) {
                self.verdict
                    .broke(Rule::LiveNotStored, || format!("{id} was seen live at {seen}, and is not in history"));
            }
        }
    }

    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// The first time that anybody sees a message.
fn see_first(verdict: &mut Verdict, entry: &mut Conversation, id: Uuid, seq: u64) {
    match entry.sent.get_mut(&id) {
        None => verdict.broke(Rule::Invented, || format!("{id} came at {seq}, and was never sent")),
        Some(sent) => {
            if sent.fate == Fate::Refused {
                verdict.broke(Rule::RefusedButThere, || format!("{id} was refused, and came at {seq}"));
            }
            if let Some(other) = sent.seen.filter(|other| *other != seq) {
                verdict.broke(Rule::Doubled, || format!("{id} came at {other} and at {seq}"));
            }
            if seq <= sent.floor {
                let floor = sent.floor;
                verdict.broke(Rule::Order, || format!("{id} was sent after the ack of {floor}, and came at {seq}"));
            }
            sent.seen = Some(sent.seen.map_or(seq, |other| other.min(seq)));
        }
    }
}

#[cfg(test)]
mod tests {
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
                (Rule::LostLive, Box::new(move |h, _, n| if when(n) { h.behind(ROOM, 1); })),
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
}
