use chat_core::{ConversationId, ConversationKind, Epoch, FileId, Member, Rev, Role, Seq, Timestamp, Title, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Message, User, present};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Conversation {
    pub id: ConversationId,
    pub kind: ConversationKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar: Option<FileId>,
    pub created_by: UserId,
    pub created_at: Timestamp,
    pub member_count: u64,
    pub my_role: Role,
    /// Only in answers to create and get, while there are at most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<Vec<Member>>,
    /// The other side of a direct conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<User>,
    pub epoch: Epoch,
    pub rev: Rev,
    pub last_seq: Seq,
    pub read_seq: Seq,
    /// 0–99; 100 means more.
    pub unread: u64,
    /// 0–99; 100 means more.
    pub mentions: u64,
    pub muted: bool,
    pub pinned: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
}

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum CreateConversation {
    Direct {
        user: UserId,
    },
    Group {
        title: Title,
        #[serde(default)]
        members: Vec<UserId>,
    },
}

#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[allow(clippy::option_option)] // absent, null and a value are three answers
pub struct PatchConversation {
    pub title: Option<Title>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<FileId>)]
    pub avatar: Option<Option<FileId>>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
pub struct AddMember {
    pub user: UserId,
    /// `member` when absent.
    pub role: Option<Role>,
}

#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
pub struct PatchMember {
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MemberProfile {
    pub user: UserId,
    pub role: Role,
    pub profile: User,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
pub struct PatchPreferences {
    pub muted: Option<bool>,
    pub pinned: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Preferences {
    pub muted: bool,
    pub pinned: bool,
}

/// How far a member has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cursor {
    pub user: UserId,
    pub read: Seq,
    pub delivered: Seq,
}
