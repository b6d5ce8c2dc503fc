//! One conversation on this node: its members' connections, and the point up to which its events were delivered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use chat_core::{ConversationId, ConversationKind, Epoch, Rev, Timestamp, UserId};
use chat_ports::{TailEvent, TailHead};
use chat_wire::{ServerFrame, event_frame};
use parking_lot::Mutex;

use super::connection::Connection;
use super::turns::{Turn, Turns};
use super::ws_frame::text_frame;

/// Events that may wait for a hole to be filled.
const MAX_WAITING: usize = 1_000;
/// Events that may gather for a connection while its replay is read.
const MAX_HELD: usize = 1_000;

/// The connection gets every event after this position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attached {
    pub epoch: Epoch,
    pub rev: Rev,
}

/// Events after this position are missing: read the tail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    pub epoch: Epoch,
    pub after: Rev,
}

/// What a delivery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// To that many connections.
    To(usize),
    /// It came before.
    Old,
    Hole(Hole),
}

/// What a comparison with the tail found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    Level,
    /// Hints were lost.
    Behind(Hole),
    /// The tail began anew, and everybody was told to refetch.
    Anew,
}

struct Seat {
    connection: Arc<Connection>,
    /// Frames that came while the connection reads its replay; `None` when it is live.
    held: Option<Vec<(Epoch, Rev, Bytes)>>,
}

#[derive(Default)]
struct State {
    position: Option<(Epoch, Rev)>,
    seats: Vec<Seat>,
    waiting: BTreeMap<Rev, Bytes>,
    /// The highest rev of this epoch that is known to exist.
    end: Rev,
    filling: bool,
    /// Members who left, as events said that were delivered since somebody asked.
    left: Vec<UserId>,
}

impl State {
    /// The hole that nobody fills yet; from now on somebody does.
    fn hole(&mut self) -> Option<Hole> {
        let (epoch, after) = self.position.as_ref().filter(|(_, at)| *at < self.end)?;
        let hole = Hole { epoch: epoch.clone(), after: *after };
        (!std::mem::replace(&mut self.filling, true)).then_some(hole)
    }

    fn begin(&mut self, epoch: &Epoch, rev: Rev) {
        self.position = Some((epoch.clone(), rev));
        self.end = rev;
    }
}

/// For how long an answer to "have they blocked each other?" is kept, in milliseconds.
const BLOCK_CHECK_MS: u64 = 2_000;

pub struct Hub {
    pub conversation: ConversationId,
    state: Mutex<State>,
    turns: Turns,
    /// When a direct conversation was last found to be open to both sides, in milliseconds since 1970.
    open_checked_at: AtomicU64,
    /// The tail knows that this node serves the conversation.
    registered: AtomicBool,
    /// Once somebody asked the store.
    pub kind: OnceLock<ConversationKind>,
}

impl Hub {
    pub fn new(conversation: ConversationId) -> Arc<Self> {
        Arc::new(Self {
            conversation,
            state: Mutex::default(),
            turns: Turns::default(),
            open_checked_at: AtomicU64::new(0),
            registered: AtomicBool::new(false),
            kind: OnceLock::new(),
        })
    }

    /// Is it known that nobody blocks anybody? Always, in a group.
    pub fn known_open(&self, now: Timestamp) -> bool {
        self.kind.get() == Some(&ConversationKind::Group)
            || now.millis_since(Timestamp::EPOCH) < self.open_checked_at.load(Ordering::Relaxed) + BLOCK_CHECK_MS
    }

    pub fn found_open(&self, now: Timestamp) {
        self.open_checked_at.store(now.millis_since(Timestamp::EPOCH), Ordering::Relaxed);
    }

    /// A turn to hand an event to the tail: in the order of the log, so that the live order is the final one.
    pub fn take_turn(&self) -> Turn {
        self.turns.take()
    }

    /// Was it ever found open, so that it may be taken for open while the store does not answer?
    pub fn was_open(&self) -> bool {
        self.open_checked_at.load(Ordering::Relaxed) > 0
    }

    pub fn is_registered(&self) -> bool {
        self.registered.load(Ordering::Acquire)
    }

    /// The node was registered, and then the tail stood here; only a hub without a position takes it.
    pub fn begin_at(&self, head: &TailHead) {
        let mut state = self.state.lock();
        if state.position.is_none() {
            state.begin(&head.epoch, head.rev);
        }
        self.registered.store(true, Ordering::Release);
    }

    /// The same for a hub that was opened while the tail did not answer: whoever sits in it may have missed something.
    pub fn begin_late(&self, head: &TailHead) {
        self.skip_to(head, "live delivery was interrupted");
        self.registered.store(true, Ordering::Release);
    }

    /// Finds a lost last hint, and a tail that began anew. `before` is the position from before the tail was asked.
    pub fn compare(&self, before: Option<&(Epoch, Rev)>, head: &TailHead) -> Compared {
        let mut state = self.state.lock();
        match &state.position {
            Some((epoch, _)) if *epoch == head.epoch => {
                state.end = state.end.max(head.rev);
                state.hole().map_or(Compared::Level, Compared::Behind)
            }
            // An event of a newer life came meanwhile: the answer is the old one's.
            position if position.as_ref().map(|(epoch, _)| epoch) != before.map(|(epoch, _)| epoch) => Compared::Level,
            _ => {
                drop(state);
                self.skip_to(head, "the live order began anew");
                Compared::Anew
            }
        }
    }

    pub fn position(&self) -> Option<(Epoch, Rev)> {
        self.state.lock().position.clone()
    }

    pub fn is_empty(&self) -> bool {
        self.state.lock().seats.is_empty()
    }

    pub fn connections(&self) -> usize {
        self.state.lock().seats.len()
    }

    /// Seats a connection. With `hold`, what comes gathers until [`Self::go_live`].
    pub fn attach(&self, connection: &Arc<Connection>, hold: bool) -> Option<Attached> {
        let mut state = self.state.lock();
        state.seats.retain(|seat| !Arc::ptr_eq(&seat.connection, connection));
        state.seats.push(Seat { connection: Arc::clone(connection), held: hold.then(Vec::new) });
        state.position.clone().map(|(epoch, rev)| Attached { epoch, rev })
    }

    /// Ends the holding: frames after `replayed` go out, and all of another epoch. False when too many had gathered: the
    /// client must refetch.
    pub fn go_live(&self, connection: &Arc<Connection>, replayed: Option<&(Epoch, Rev)>) -> bool {
        let mut state = self.state.lock();
        let Some(seat) = state.seats.iter_mut().find(|seat| Arc::ptr_eq(&seat.connection, connection)) else {
            return true;
        };
        let held = seat.held.take().unwrap_or_default();
        if held.len() >= MAX_HELD {
            return false;
        }
        for (epoch, rev, frame) in held {
            if replayed.is_none_or(|(of, up_to)| *of != epoch || rev > *up_to) {
                connection.push(frame);
            }
        }
        true
    }

    pub fn detach(&self, connection: &Arc<Connection>) {
        self.state.lock().seats.retain(|seat| !Arc::ptr_eq(&seat.connection, connection));
    }

    /// Delivers an event, and those that waited for it, in the order of `rev`.
    pub fn deliver(&self, epoch: &Epoch, rev: Rev, event_json: &[u8]) -> Delivered {
        let mut state = self.state.lock();
        match &state.position {
            Some((known, at)) if known == epoch => {
                if rev <= *at {
                    return Delivered::Old;
                }
            }
            // A new life of the tail: everything before its first event is a hole until the tail is read.
            _ => {
                state.begin(epoch, Rev::ZERO);
                state.waiting.clear();
            }
        }
        state.end = state.end.max(rev);
        if state.waiting.len() < MAX_WAITING {
            state.waiting.insert(rev, event_frame(epoch, rev, event_json));
        }
        let sent = Self::drain(&mut state);
        state.hole().map_or(Delivered::To(sent), Delivered::Hole)
    }

    fn drain(state: &mut State) -> usize {
        let mut sent = 0;
        while let Some((epoch, at)) = state.position.clone() {
            let next = at.next();
            let Some(payload) = state.waiting.remove(&next) else { break };
            state.left.extend(who_left(&payload));
            let frame = text_frame(&payload);
            for seat in &mut state.seats {
                match &mut seat.held {
                    None => {
                        seat.connection.push(frame.clone());
                    }
                    Some(held) if held.len() < MAX_HELD => held.push((epoch.clone(), next, frame.clone())),
                    Some(_) => {}
                }
            }
            sent += state.seats.len();
            state.position = Some((epoch, next));
        }
        sent
    }

    /// What is missing now, also when the tail began anew meanwhile: nobody else fills that. Otherwise the filling is over.
    pub fn still_missing(&self) -> Option<Hole> {
        let mut state = self.state.lock();
        state.filling = false;
        state.hole()
    }

    /// The hole's events from the tail.
    pub fn fill(&self, epoch: &Epoch, events: &[TailEvent]) -> usize {
        let mut state = self.state.lock();
        let Some((known, at)) = state.position.clone() else { return 0 };
        if known != *epoch {
            return 0;
        }
        for event in events.iter().filter(|event| event.rev > at) {
            state.waiting.entry(event.rev).or_insert_with(|| event_frame(epoch, event.rev, &event.event));
        }
        Self::drain(&mut state)
    }

    /// The tail does not have what waits behind the hole: delivery goes on from where the hub stands.
    pub fn forget_waiting(&self, hole: &Hole) {
        let mut state = self.state.lock();
        if state.position.as_ref() == Some(&(hole.epoch.clone(), hole.after)) {
            state.waiting.clear();
            state.end = hole.after;
        }
    }

    /// The tail no longer has the hole's events: everybody refetches, and delivery goes on from `head`.
    pub fn skip_to(&self, head: &TailHead, reason: &str) {
        let frame = ServerFrame::Reload { conversation: self.conversation, reason: reason.to_owned() };
        let frame = text_frame(&frame.encode());
        let mut state = self.state.lock();
        let same = state.position.as_ref().is_some_and(|(epoch, _)| *epoch == head.epoch);
        state.begin(&head.epoch, head.rev);
        if same {
            state.waiting.retain(|rev, _| *rev > head.rev);
            state.end = state.waiting.keys().next_back().copied().unwrap_or(head.rev);
        } else {
            state.waiting.clear();
        }
        for seat in &state.seats {
            seat.connection.push(frame.clone());
        }
        Self::drain(&mut state);
    }

    /// Who left since the last call.
    pub fn take_left(&self) -> Vec<UserId> {
        let mut state = self.state.lock();
        if state.left.is_empty() { Vec::new() } else { std::mem::take(&mut state.left) }
    }

    /// Everybody who sits here, each as often as they do.
    pub fn users(&self) -> Vec<UserId> {
        self.state.lock().seats.iter().map(|seat| seat.connection.info.user).collect()
    }

    /// A ready frame for everybody but `except`.
    pub fn tell(&self, frame: &Bytes, except: Option<UserId>) {
        for seat in &self.state.lock().seats {
            if Some(seat.connection.info.user) != except {
                seat.connection.push(frame.clone());
            }
        }
    }
}

/// The member who left, when the event says that one did. Few events do, so that the others cost a search only; in a text
/// the same would stand with its quotes escaped.
fn who_left(event: &[u8]) -> Option<UserId> {
    #[derive(serde::Deserialize)]
    struct Left {
        user: UserId,
    }
    const KIND: &[u8] = b"\"kind\":\"member_left\"";
    event
        .windows(KIND.len())
        .any(|window| window == KIND)
        .then(|| serde_json::from_slice::<Left>(event).ok())?
        .map(|left| left.user)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(name: &str) -> Epoch {
        name.parse().expect("an epoch")
    }

    #[test]
    fn a_hole_of_a_new_life_is_filled_by_whoever_filled_in_the_old_one() {
        let hub = Hub::new(ConversationId::new(uuid::Uuid::from_u128(1)));
        hub.begin_at(&TailHead {
            epoch: epoch("old"),
            rev: Rev::new(4),
            last_seq: chat_core::Seq::ZERO,
            persisted: chat_core::Seq::ZERO,
        });
        assert!(matches!(hub.deliver(&epoch("old"), Rev::new(6), b"{}"), Delivered::Hole(_)));
        // The filler waits; meanwhile the tail begins anew, and that hole is no second filler's.
        assert_eq!(hub.deliver(&epoch("new"), Rev::new(3), b"{}"), Delivered::To(0));
        assert_eq!(hub.still_missing(), Some(Hole { epoch: epoch("new"), after: Rev::ZERO }));
    }
}
