use async_trait::async_trait;
use chat_core::{
    ClientMsgId, ConversationId, Emoji, MessageBody, MessageId, MessageKind, ReadCursor, Seq, Timestamp, UserId,
};

use super::Mutation;
use crate::PortError;

/// One row of a timeline, with everything that happened to it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    pub seq: Seq,
    pub id: MessageId,
    pub author: UserId,
    pub client_msg_id: Option<ClientMsgId>,
    pub kind: MessageKind,
    pub body: MessageBody,
    pub at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub deleted: bool,
    /// In the order in which they were added.
    pub reactions: Vec<(Emoji, UserId)>,
}

/// Where a page of messages lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Position {
    Newest,
    Before(Seq),
    After(Seq),
    /// Half the page up to and including it, half after.
    Around(Seq),
}

/// Ascending by `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowPage {
    pub rows: Vec<MessageRow>,
    /// More in the direction asked for (older, but for `After`).
    pub has_more: bool,
}

/// Counts after a read cursor, each at most 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    pub unread: u64,
    pub mentions: u64,
}

#[async_trait]
pub trait MessageStore: Send + Sync {
    /// Applies mutations. Repeating is harmless: a call that failed is repeated as a whole until it succeeds. In a store
    /// with transactions all of a call become visible together or the call fails; in others (Cassandra) a call that
    /// failed may have left some of it visible.
    async fn apply(&self, mutations: Vec<Mutation>) -> Result<(), PortError>;

    async fn page(&self, conversation: ConversationId, position: Position, limit: usize) -> Result<RowPage, PortError>;

    async fn message(&self, conversation: ConversationId, seq: Seq) -> Result<Option<MessageRow>, PortError>;

    /// Messages (not system rows) by others, after `after` and up to `up_to`, that are not deleted.
    async fn unread(
        &self,
        conversation: ConversationId,
        user: UserId,
        after: Seq,
        up_to: Seq,
    ) -> Result<Unread, PortError>;

    /// Merges; never moves one back.
    async fn put_cursor(&self, conversation: ConversationId, user: UserId, cursor: ReadCursor)
    -> Result<(), PortError>;

    /// All cursors of a conversation, at most `limit`.
    async fn cursors(&self, conversation: ConversationId, limit: usize)
    -> Result<Vec<(UserId, ReadCursor)>, PortError>;

    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError>;

    /// Where a retry of (author, client_msg_id) was settled before, at least for 7 days.
    async fn claimed(
        &self,
        conversation: ConversationId,
        author: UserId,
        id: ClientMsgId,
    ) -> Result<Option<(Seq, Timestamp)>, PortError>;

    /// Can it be reached, and has it the tables that this build needs? For readiness.
    async fn check(&self) -> Result<(), PortError>;
}
