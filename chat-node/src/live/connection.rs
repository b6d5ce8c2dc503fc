use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU32, Ordering};

use bytes::Bytes;
use chat_core::{ConversationId, DeviceId, SessionId, Timestamp, UserId};
use chat_ports::ConnectionId;
use chat_wire::ServerFrame;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::flusher::Flushers;
use super::hub::Hub;
use super::outbox::{Closing, Outbox, Pushed};
use super::ws_frame::text_frame;

/// How many sends of one connection may be on their way to the log.
const IN_FLIGHT: usize = 64;

/// Who is at the other end.
#[derive(Debug, Clone)]
pub struct ConnectionInfo {
    pub id: ConnectionId,
    pub user: UserId,
    pub session: SessionId,
    pub device: DeviceId,
}

/// The user is no member of the conversation, as far as this connection knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAttached;

/// One authenticated WebSocket.
pub struct Connection {
    pub info: ConnectionInfo,
    pub outbox: Arc<Outbox>,
    shard: usize,
    flushers: Arc<Flushers>,
    /// The conversations whose events it gets.
    attached: Mutex<HashMap<ConversationId, Arc<Hub>>>,
    /// Whose presence it watches.
    pub watching: Mutex<Vec<UserId>>,
    token_ends: AtomicI64,
    pings_unanswered: AtomicU8,
    pub refusals: AtomicU32,
    pub away: AtomicBool,
    /// The welcome was sent: frames that are no answers may follow.
    pub welcomed: AtomicBool,
    /// By which drain or shedding it was asked to leave; 0 when by none.
    pub asked: AtomicU32,
    pub in_flight: Semaphore,
}

impl Connection {
    pub fn new(info: ConnectionInfo, outbox: Arc<Outbox>, flushers: Arc<Flushers>, token_ends: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            shard: flushers.shard_for(&info.id),
            info,
            outbox,
            flushers,
            attached: Mutex::default(),
            watching: Mutex::default(),
            token_ends: AtomicI64::new(token_ends.millis()),
            pings_unanswered: AtomicU8::new(0),
            refusals: AtomicU32::new(0),
            away: AtomicBool::new(false),
            welcomed: AtomicBool::new(false),
            asked: AtomicU32::new(0),
            in_flight: Semaphore::new(IN_FLIGHT),
        })
    }

    pub fn shard(&self) -> usize {
        self.shard
    }

    /// Queues a ready frame and makes sure that somebody writes it.
    pub fn push(self: &Arc<Self>, frame: Bytes) -> Pushed {
        let pushed = self.outbox.push(frame);
        if pushed == Pushed::NeedsFlush {
            self.flushers.schedule(self);
        }
        pushed
    }

    pub fn send(self: &Arc<Self>, frame: &ServerFrame) -> Pushed {
        self.push(text_frame(&frame.encode()))
    }

    pub fn close(&self, code: u16, reason: &'static str) {
        self.outbox.close(Closing { code, reason }, false);
    }

    pub fn attach(&self, hub: Arc<Hub>) {
        self.attached.lock().insert(hub.conversation, hub);
    }

    pub fn detach(&self, conversation: ConversationId) -> Option<Arc<Hub>> {
        self.attached.lock().remove(&conversation)
    }

    /// All hubs, and none from now on.
    pub fn detach_all(&self) -> Vec<Arc<Hub>> {
        std::mem::take(&mut *self.attached.lock()).into_values().collect()
    }

    /// The hub of a conversation that the user is a member of.
    pub fn hub(&self, conversation: ConversationId) -> Result<Arc<Hub>, NotAttached> {
        self.attached.lock().get(&conversation).cloned().ok_or(NotAttached)
    }

    pub fn token_ends(&self) -> Timestamp {
        Timestamp::from_millis(self.token_ends.load(Ordering::Relaxed))
    }

    pub fn renew_token(&self, ends: Timestamp) {
        self.token_ends.store(ends.millis(), Ordering::Relaxed);
    }

    /// Something was heard: the peer lives.
    pub fn heard(&self) {
        self.pings_unanswered.store(0, Ordering::Relaxed);
    }

    /// Counts a ping that goes out; how many before it are unanswered.
    pub fn count_ping(&self) -> u8 {
        self.pings_unanswered.fetch_add(1, Ordering::Relaxed)
    }
}
