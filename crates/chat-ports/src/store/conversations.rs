use async_trait::async_trait;
use chat_core::{ConversationId, ConversationKind, FileId, Member, Role, Seq, Timestamp, UserId};

use crate::PortError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    pub id: ConversationId,
    pub kind: ConversationKind,
    pub title: Option<String>,
    pub avatar: Option<FileId>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    /// Highest message (of any kind) that the store has; `created_at`'s position when there is none.
    pub last_seq: Seq,
    pub last_at: Timestamp,
    pub member_count: u64,
}

/// A user's part in a conversation, with what only they see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipRow {
    pub conversation: ConversationRow,
    pub role: Role,
    /// The position at which they joined: what was said before does not count as unread.
    pub joined_seq: Seq,
    pub muted: bool,
    pub pinned: bool,
}

/// Where a list of conversations goes on: after this entry in (pinned first, then latest first, then id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListPosition {
    pub pinned: bool,
    pub last_seq: Seq,
    pub id: ConversationId,
}

#[async_trait]
pub trait ConversationStore: Send + Sync {
    /// The conversation of a pair: `id` when there was none, else the one there is. Decided once, atomically.
    async fn reserve_direct(&self, a: UserId, b: UserId, id: ConversationId) -> Result<ConversationId, PortError>;

    /// `None` when it does not exist or was deleted.
    async fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRow>, PortError>;

    /// `None` for non-members.
    async fn membership(&self, id: ConversationId, user: UserId) -> Result<Option<MembershipRow>, PortError>;

    /// The user's conversations, pinned first, then latest activity first.
    async fn memberships(
        &self,
        user: UserId,
        after: Option<ListPosition>,
        limit: usize,
    ) -> Result<Vec<MembershipRow>, PortError>;

    /// Ids of all of the user's conversations.
    async fn conversation_ids(&self, user: UserId) -> Result<Vec<ConversationId>, PortError>;

    /// Members by user id, after `after`.
    async fn members(&self, id: ConversationId, after: Option<UserId>, limit: usize) -> Result<Vec<Member>, PortError>;

    /// How many owners there are.
    async fn owner_count(&self, id: ConversationId) -> Result<usize, PortError>;

    /// The user's own settings of a conversation.
    async fn set_preferences(
        &self,
        id: ConversationId,
        user: UserId,
        muted: Option<bool>,
        pinned: Option<bool>,
    ) -> Result<(), PortError>;
}
