use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{ClientMsgId, ConversationId, Epoch, NodeId, ReadCursor, Rev, Seq, Timestamp, UserId};
use chat_wire::NodeFrame;
use tokio::sync::mpsc::Receiver;

use crate::PortError;

/// Where a conversation's tail stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailHead {
    pub epoch: Epoch,
    pub rev: Rev,
    /// The highest `seq` seen. May be below the log's while the tail is being rebuilt.
    pub last_seq: Seq,
    /// Everything up to here is in the store.
    pub persisted: Seq,
}

/// One event of a tail. `event` is the JSON of a [`chat_core::Event`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TailEvent {
    pub rev: Rev,
    pub seq: Seq,
    pub event: Bytes,
}

/// Answer to an append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    pub epoch: Epoch,
    pub rev: Rev,
    /// The nodes that serve the conversation now.
    pub nodes: Vec<NodeId>,
    /// False when the tail had this `seq` already; `rev` is then the one it has.
    pub fresh: bool,
}

/// Answer to a repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    pub epoch: Epoch,
    /// The nodes that serve the conversation now.
    pub nodes: Vec<NodeId>,
    /// What the tail had lacked, with the positions it got; ascending by `rev`.
    pub appended: Vec<TailEvent>,
}

/// Answer to a catch-up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Since {
    /// Every event after the given rev, without a hole, up to `head.rev`.
    Events { head: TailHead, events: Vec<TailEvent> },
    /// The epoch is another one, the events are trimmed, or there are more than allowed: refetch from the store.
    Gap { head: TailHead },
}

/// Who may do what with a `client_msg_id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It is ours for ten seconds: append, then [`LiveTail::settle`].
    Granted,
    /// The same, but somebody had it since that time and nobody knows what became of it. Neither the tail nor the store has
    /// it, which says nothing while writers are behind: look into the log ([`crate::MessageLog::sent_since`]) before
    /// appending.
    Lapsed { since: Timestamp },
    /// Another attempt is under way. Answer "retry".
    Pending,
    /// It was appended before, here.
    Settled { seq: Seq, at: Timestamp },
}

/// The hot end of every conversation, and the way from node to node.
#[async_trait]
pub trait LiveTail: Send + Sync {
    /// Position of the tail; a conversation without one gets a new epoch.
    async fn head(&self, conversation: ConversationId) -> Result<TailHead, PortError>;

    /// Appends an event, once per `seq`: `rev` grows by one, whatever order the `seq`s come in.
    async fn append(&self, conversation: ConversationId, seq: Seq, event: Bytes) -> Result<Appended, PortError>;

    /// Appends those of `events` that the tail lacks, in the order given, and marks everything up to `persisted` as
    /// stored. What was trimmed is not lacking. One round trip: for the writer, which has read them in the log and has
    /// them in the store by now.
    async fn repair(
        &self,
        conversation: ConversationId,
        events: Vec<(Seq, Bytes)>,
        persisted: Seq,
    ) -> Result<Repaired, PortError>;

    /// The events after `rev` of `epoch`, at most `limit`, or a gap. Never a part.
    async fn since(
        &self,
        conversation: ConversationId,
        epoch: &Epoch,
        rev: Rev,
        limit: usize,
    ) -> Result<Since, PortError>;

    /// The events whose `seq` is above `after`, ascending by `seq`: what the store may not have yet.
    async fn newer_than(&self, conversation: ConversationId, after: Seq) -> Result<Vec<TailEvent>, PortError>;

    /// The store has everything up to `seq`; older events may be trimmed.
    async fn mark_persisted(&self, conversation: ConversationId, seq: Seq) -> Result<(), PortError>;

    /// From now on events of the conversation are published to `node`. Renewed by calling again; lapses with the node.
    async fn register(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError>;

    /// Registers `node` for each conversation and reads where its tail stands, in the order given: for the comparison
    /// that finds a lost last hint, and a tail that forgot its registrations.
    async fn positions(&self, conversations: &[ConversationId], node: &NodeId) -> Result<Vec<TailHead>, PortError>;

    async fn unregister(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError>;

    /// The nodes that serve the conversation now, for what isn't an event (typing, receipts).
    async fn nodes(&self, conversation: ConversationId) -> Result<Vec<NodeId>, PortError>;

    /// Sends hints to a node. They may be lost, doubled or late.
    async fn publish(&self, node: &NodeId, frames: Vec<NodeFrame>) -> Result<(), PortError>;

    /// The hints for `node`. The channel is bounded; when it closes, continuity is lost: subscribe again, then compare
    /// positions.
    async fn subscribe(&self, node: &NodeId) -> Result<Receiver<Vec<NodeFrame>>, PortError>;

    /// Asks for the right to append what `user` sends as `id`.
    async fn claim(&self, conversation: ConversationId, user: UserId, id: ClientMsgId) -> Result<Claim, PortError>;

    /// What was granted at `since` is still under way: it holds for ten more seconds, also when the tail has lost it meanwhile.
    async fn hold(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        since: Timestamp,
    ) -> Result<(), PortError>;

    /// The claimed thing has its position. [`claim`](Self::claim) tells it for at least 24 h: here, or, when that is over,
    /// by the tail's events and the store.
    async fn settle(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        seq: Seq,
        at: Timestamp,
    ) -> Result<(), PortError>;

    /// The claimed thing was certainly not appended: another attempt may begin at once.
    async fn release(&self, conversation: ConversationId, user: UserId, id: ClientMsgId) -> Result<(), PortError>;

    /// Moves a cursor forward. `None` when it was there already.
    async fn advance_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        to: ReadCursor,
    ) -> Result<Option<ReadCursor>, PortError>;

    /// Where a cursor stands, also when the store does not have its last move yet.
    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError>;

    /// Can it be reached? For readiness.
    async fn check(&self) -> Result<(), PortError>;
}
