use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ClientMsgId, ConversationId, ConversationKind, Emoji, FileId, Member, MessageBody, MessageId, Role, Seq, Timestamp,
    UserId,
};

/// What changes a conversation. This is what the log holds and what members see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody {
    /// Somebody said something.
    Message {
        id: MessageId,
        body: MessageBody,
    },
    /// The author replaced the body of `target`.
    Edited {
        target: Seq,
        body: MessageBody,
    },
    Deleted {
        target: Seq,
    },
    ReactionAdded {
        target: Seq,
        emoji: Emoji,
    },
    ReactionRemoved {
        target: Seq,
        emoji: Emoji,
    },
    /// The first record of a conversation. `members` includes the creator.
    ConversationCreated {
        conversation_kind: ConversationKind,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        members: Vec<Member>,
    },
    MemberJoined {
        user: UserId,
        role: Role,
    },
    MemberLeft {
        user: UserId,
    },
    RoleChanged {
        user: UserId,
        role: Role,
    },
    ConversationUpdated {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        avatar: Option<FileId>,
    },
    /// The owner removed the conversation for everybody.
    ConversationDeleted {},
}

/// An [`EventBody`] with who, where and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    pub conversation: ConversationId,
    pub seq: Seq,
    /// When the server accepted it.
    pub at: Timestamp,
    pub actor: UserId,
    /// Absent for what the server does by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<ClientMsgId>,
    #[serde(flatten)]
    pub body: EventBody,
}
