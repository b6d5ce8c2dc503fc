//! One conversation on this node: its members' connections, and the point up to which its events were delivered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// What a delivery found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivered {
    /// To that many connections.
    To(usize),
    /// It came before.
    Old,
    /// Events before it are missing: read the tail after this position.
    Hole { epoch: Epoch, after: Rev },
}

struct Seat {
    connection: Arc<Connection>,
    /// Frames that came while the connection reads its replay; `None` when it is live.
    held: Option<Vec<(Rev, Bytes)>>,
}

#[derive(Default)]
struct State {
    position: Option<(Epoch, Rev)>,
    seats: Vec<Seat>,
    waiting: BTreeMap<Rev, Bytes>,
    filling: bool,
}

/// For how long an answer to "have they blocked each other?" is kept, in milliseconds.
const BLOCK_CHECK_MS: u64 = 2_000;

pub struct Hub {
    pub conversation: ConversationId,
    state: Mutex<State>,
    turns: Turns,
    /// When a direct conversation was last found to be open to both sides, in milliseconds since 1970.
    open_checked_at: AtomicU64,
    /// Set once the node is registered for the conversation and knows its position.
    pub ready: tokio::sync::OnceCell<ConversationKind>,
}

impl Hub {
    pub fn new(conversation: ConversationId) -> Arc<Self> {
        Arc::new(Self {
            conversation,
            state: Mutex::default(),
            turns: Turns::default(),
            open_checked_at: AtomicU64::new(0),
            ready: tokio::sync::OnceCell::new(),
        })
    }

    /// Is it known that nobody blocks anybody? Always, in a group.
    pub fn known_open(&self, now: Timestamp) -> bool {
        self.ready.get() == Some(&ConversationKind::Group)
            || now.millis_since(Timestamp::EPOCH) < self.open_checked_at.load(Ordering::Relaxed) + BLOCK_CHECK_MS
    }

    pub fn found_open(&self, now: Timestamp) {
        self.open_checked_at.store(now.millis_since(Timestamp::EPOCH), Ordering::Relaxed);
    }

    /// A turn to hand an event to the tail: in the order of the log, so that the live order is the final one.
    pub fn take_turn(&self) -> Turn {
        self.turns.take()
    }

    /// The tail stands here; only a hub without a position takes it.
    pub fn begin_at(&self, head: &TailHead) {
        let mut state = self.state.lock();
        if state.position.is_none() {
            state.position = Some((head.epoch.clone(), head.rev));
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

    /// Ends the holding: frames after `replayed` go out. False when too many had gathered: the client must refetch.
    pub fn go_live(&self, connection: &Arc<Connection>, replayed: Rev) -> bool {
        let mut state = self.state.lock();
        let Some(seat) = state.seats.iter_mut().find(|seat| Arc::ptr_eq(&seat.connection, connection)) else {
            return true;
        };
        let held = seat.held.take().unwrap_or_default();
        if held.len() >= MAX_HELD {
            return false;
        }
        for (_, frame) in held.into_iter().filter(|(rev, _)| *rev > replayed) {
            connection.push(frame);
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
                state.position = Some((epoch.clone(), Rev::ZERO));
                state.waiting.clear();
            }
        }
        if state.waiting.len() < MAX_WAITING {
            state.waiting.insert(rev, event_frame(epoch, rev, event_json));
        }
        let sent = Self::drain(&mut state);
        match &state.position {
            Some((epoch, after)) if !state.waiting.is_empty() => {
                let hole = Delivered::Hole { epoch: epoch.clone(), after: *after };
                if std::mem::replace(&mut state.filling, true) { Delivered::To(sent) } else { hole }
            }
            _ => Delivered::To(sent),
        }
    }

    fn drain(state: &mut State) -> usize {
        let mut sent = 0;
        while let Some((_, at)) = &state.position {
            let next = at.next();
            let Some(payload) = state.waiting.remove(&next) else { break };
            let frame = text_frame(&payload);
            for seat in &mut state.seats {
                match &mut seat.held {
                    None => {
                        seat.connection.push(frame.clone());
                    }
                    Some(held) if held.len() < MAX_HELD => held.push((next, frame.clone())),
                    Some(_) => {}
                }
            }
            sent += state.seats.len();
            if let Some((_, at)) = &mut state.position {
                *at = next;
            }
        }
        sent
    }

    /// Is there still a hole after `after` of `epoch`? Otherwise the filling is over.
    pub fn still_missing(&self, epoch: &Epoch, after: Rev) -> bool {
        let mut state = self.state.lock();
        let missing = !state.waiting.is_empty() && state.position.as_ref() == Some(&(epoch.clone(), after));
        if !missing {
            state.filling = false;
        }
        missing
    }

    /// The hole's events from the tail.
    pub fn fill(&self, epoch: &Epoch, events: &[TailEvent]) -> usize {
        let mut state = self.state.lock();
        state.filling = false;
        let Some((known, at)) = state.position.clone() else { return 0 };
        if known != *epoch {
            return 0;
        }
        for event in events.iter().filter(|event| event.rev > at) {
            state.waiting.entry(event.rev).or_insert_with(|| event_frame(epoch, event.rev, &event.event));
        }
        Self::drain(&mut state)
    }

    /// The tail no longer has the hole's events: everybody refetches, and delivery goes on from `head`.
    pub fn skip_to(&self, head: &TailHead, reason: &str) {
        let frame = ServerFrame::Reload { conversation: self.conversation, reason: reason.to_owned() };
        let frame = text_frame(&frame.encode());
        let mut state = self.state.lock();
        state.filling = false;
        state.position = Some((head.epoch.clone(), head.rev));
        state.waiting.retain(|rev, _| *rev > head.rev);
        for seat in &state.seats {
            seat.connection.push(frame.clone());
        }
        Self::drain(&mut state);
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
