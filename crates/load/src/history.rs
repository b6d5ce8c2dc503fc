//! Proves that a run kept its promises, or names what it broke. The rules are those of `docs/reference/protocol.md`.

#[cfg(test)]
mod tests;
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

/// What stands at one place: its seq, and which message it is (other events have no id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Value {
    seq: u64,
    id: Option<Uuid>,
}

/// All that anybody saw of an epoch. It is shared by all connections: each keeps only its position, so that memory grows
/// with the messages and not with the deliveries.
#[derive(Debug, Default)]
struct Epoch {
    revs: HashMap<u64, Value>,
    /// Which rev a seq had.
    seqs: HashMap<u64, u64>,
}

#[derive(Debug, Default)]
struct Conversation {
    sent: HashMap<Uuid, Sent>,
    acked_up_to: u64,
    epochs: HashMap<String, Epoch>,
    /// Which message a seq was, in whatever epoch it came.
    values: HashMap<u64, Uuid>,
    /// Somebody read history instead of the live events, so that there may be messages that nobody saw live.
    refetched: bool,
}

/// Where one connection stands in one conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    pub epoch: String,
    pub rev: u64,
    /// The highest seq that it knows.
    pub seq: u64,
}

impl View {
    /// Whether a connection that stands here has all that was there when the conversation stood at `goal`. A new epoch is
    /// told by its first event: until then a connection may stand at the end of the one before.
    pub fn reached(&self, goal: &View) -> bool {
        if self.epoch == goal.epoch { self.rev >= goal.rev } else { self.seq >= goal.seq }
    }
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
        let known = entry.epochs.get(epoch).and_then(|epoch| epoch.revs.get(&rev)).copied();
        let value = Value { seq, id: client_msg_id };
        match known {
            None => see_first(&mut self.verdict, entry, event),
            Some(known) if known.seq != seq => {
                let known = known.seq;
                self.verdict.broke(Rule::RevOrder, || format!("rev {rev} of {epoch} was seq {known} and {seq}"));
            }
            Some(known) if known != value => {
                let known = known.id;
                self.verdict.broke(Rule::TwoValues, || format!("seq {seq} was {known:?} and {client_msg_id:?}"));
            }
            Some(_) => {}
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

    /// A client had to read history of a conversation: it saw no live event of what it read.
    pub fn refetched(&mut self, conversation: Uuid) {
        self.conversations.entry(conversation).or_default().refetched = true;
    }

    /// A connection that stayed to the end, and stands at `view` although the conversation ended at `goal`.
    pub fn behind(&mut self, conversation: Uuid, view: &View, goal: &View) {
        self.verdict.broke(Rule::LostLive, || {
            format!(
                "a member of {conversation} stands at rev {} of {}, and missed what came up to rev {} of {}",
                view.rev, view.epoch, goal.rev, goal.epoch
            )
        });
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
                (Fate::Acked(_), Some(_)) if sent.seen.is_none() && entry.refetched => self.verdict.unseen += 1,
                (Fate::Acked(seq), Some(_)) if sent.seen.is_none() => {
                    self.verdict.broke(Rule::LostLive, || format!("{id} was acked at {seq}, and nobody saw it live"));
                }
                (Fate::Open, _) => self.verdict.open += 1,
                _ => {}
            }
            match (sent.seen, stored.get(id)) {
                (Some(seen), None) => self
                    .verdict
                    .broke(Rule::LiveNotStored, || format!("{id} was seen live at {seen}, and is not in history")),
                (Some(seen), Some(at)) if seen != *at => self
                    .verdict
                    .broke(Rule::TwoValues, || format!("{id} was seen live at {seen}, and is in history at {at}")),
                _ => {}
            }
        }
    }

    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }
}

/// The first time that anybody sees what a rev is.
fn see_first(verdict: &mut Verdict, entry: &mut Conversation, event: Seen<'_>) {
    let Seen { epoch, rev, seq, client_msg_id, .. } = event;
    let seen = match entry.epochs.get_mut(epoch) {
        Some(seen) => seen,
        None => entry.epochs.entry(epoch.to_owned()).or_default(),
    };
    seen.revs.insert(rev, Value { seq, id: client_msg_id });
    if let Some(other) = seen.seqs.insert(seq, rev) {
        verdict.broke(Rule::Doubled, || format!("seq {seq} came as rev {other} and as rev {rev} of {epoch}"));
    }
    let Some(id) = client_msg_id else { return };
    if let Some(other) = entry.values.insert(seq, id).filter(|other| *other != id) {
        verdict.broke(Rule::TwoValues, || format!("seq {seq} was {other} and {id}"));
    }
    let Some(sent) = entry.sent.get_mut(&id) else {
        verdict.broke(Rule::Invented, || format!("{id} came at {seq}, and was never sent"));
        return;
    };
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
