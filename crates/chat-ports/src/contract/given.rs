use std::sync::atomic::{AtomicI64, Ordering};

use chat_core::{ClientMsgId, ConversationId, EventBody, MessageBody, MessageId, Seq, Timestamp, UserId};
use chat_wire::LogRecord;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use uuid::Uuid;

use crate::Clock;
use crate::store::Mutation;

/// A clock that stands until it is turned.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.millis()))
    }
    /// Forward by `millis`.
    pub fn pass(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(at(1_700_000_000_000))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}

/// What a random test was made of. Printed, so that one failure can be run again: `CHAT_SEED=…`.
#[derive(Debug, Clone, Copy)]
pub struct Seed(pub u64);

impl Seed {
    /// From the environment, or a new one.
    pub fn take() -> Self {
        let given = std::env::var("CHAT_SEED").ok().and_then(|text| text.parse().ok());
        let seed = Self(given.unwrap_or_else(|| rand::rng().random()));
        println!("CHAT_SEED={}", seed.0);
        seed
    }
    pub fn rng(self) -> StdRng {
        StdRng::seed_from_u64(self.0)
    }
}

pub fn user() -> UserId {
    UserId::new(Uuid::new_v4())
}

pub fn conversation() -> ConversationId {
    ConversationId::new(Uuid::new_v4())
}

pub fn client_msg_id() -> ClientMsgId {
    ClientMsgId::new(Uuid::new_v4())
}

pub fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

pub fn text(text: &str) -> MessageBody {
    MessageBody::text(text)
}

pub fn message_record(conversation: ConversationId, actor: UserId, words: &str) -> LogRecord {
    LogRecord {
        conversation,
        at: at(1_700_000_000_000),
        actor,
        client_msg_id: Some(client_msg_id()),
        body: EventBody::Message { id: MessageId::new(Uuid::new_v4()), body: text(words) },
    }
}

/// A message of nobody's client, at `seq`.
pub fn insert(conversation: ConversationId, seq: u64, author: UserId, body: MessageBody) -> Mutation {
    Mutation::InsertMessage {
        conversation,
        seq: Seq::new(seq),
        id: MessageId::new(Uuid::from_u128(u128::from(seq))),
        author,
        client_msg_id: None,
        kind: chat_core::MessageKind::Message,
        body,
        at: at(1_000 + i64::try_from(seq).expect("small")),
    }
}
