use async_trait::async_trait;
use chat_core::{ClientMsgId, ConversationId, ReadCursor, Seq, Timestamp, UserId};
use chat_wire::LogRecord;

use crate::PortError;

/// How far a user has come, on its way to the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CursorUpdate {
    pub conversation: ConversationId,
    pub user: UserId,
    pub cursor: ReadCursor,
}

/// The one authority on order and durability.
#[async_trait]
pub trait MessageLog: Send + Sync {
    /// Appends one record and returns its position once it is durable (fsync, or the broker's acks=all).
    ///
    /// Positions of one conversation grow strictly, and a record whose append began after another's returned has the
    /// higher one. They are sparse. Two calls with equal records make two records: duplicates are settled by claims.
    ///
    /// # Errors
    /// [`PortError::Unavailable`] and [`PortError::Full`]: the record may or may not become visible later, since the
    /// outcome can be unknown. [`PortError::Refused`]: it never will.
    async fn append(&self, record: LogRecord) -> Result<Seq, PortError>;

    /// Many records in the order given, for imports. All or nothing is not promised: a prefix may stay.
    async fn append_batch(&self, records: Vec<LogRecord>) -> Result<Vec<Seq>, PortError>;

    /// Cursors need no order and no durability before the answer: later ones contain earlier ones.
    async fn append_cursors(&self, updates: Vec<CursorUpdate>) -> Result<(), PortError>;

    /// The first record that `user` sent as `id`, of those appended since `since` or a few seconds before: for an attempt
    /// whose outcome nobody knows. Reads the log itself, so that it needs no writer; very many at once cost one short scan.
    ///
    /// # Errors
    /// Nothing is known then. [`PortError::Unavailable`]: the log does not answer, and would not take the record now.
    /// [`PortError::Full`]: there is too much to look through in a few seconds. [`PortError::Refused`]: it may not be read.
    async fn sent_since(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        since: Timestamp,
    ) -> Result<Option<(Seq, LogRecord)>, PortError>;

    /// Can the log take records now? For readiness.
    async fn check(&self) -> Result<(), PortError>;
}
