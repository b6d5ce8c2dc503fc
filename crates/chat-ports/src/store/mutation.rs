use chat_core::{
    ClientMsgId, ConversationId, ConversationKind, Emoji, FileId, Member, MessageBody, MessageId, MessageKind, Role,
    Seq, Timestamp, UserId,
};

/// What one log record does to the store. Mutations commute and repeat safely: each carries the log position (`seq`, or
/// `version`) that decides between two that touch the same thing, so replaying the log from any earlier position leaves
/// the same tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mutation {
    /// A row of the timeline. A second one with the same (author, client_msg_id) is superseded: the lowest `seq` stays.
    InsertMessage {
        conversation: ConversationId,
        seq: Seq,
        id: MessageId,
        author: UserId,
        client_msg_id: Option<ClientMsgId>,
        kind: MessageKind,
        body: MessageBody,
        at: Timestamp,
    },
    /// The highest version wins; nothing revives what was deleted.
    EditMessage {
        conversation: ConversationId,
        target: Seq,
        body: MessageBody,
        at: Timestamp,
        version: Seq,
    },
    DeleteMessage {
        conversation: ConversationId,
        target: Seq,
        version: Seq,
    },
    /// The highest version decides whether it is there.
    SetReaction {
        conversation: ConversationId,
        target: Seq,
        emoji: Emoji,
        user: UserId,
        present: bool,
        version: Seq,
    },
    CreateConversation {
        conversation: ConversationId,
        kind: ConversationKind,
        title: Option<String>,
        created_by: UserId,
        at: Timestamp,
        version: Seq,
    },
    /// Present fields replace; the highest version of each wins.
    ChangeConversation {
        conversation: ConversationId,
        title: Option<String>,
        avatar: Option<FileId>,
        version: Seq,
    },
    /// The highest version per member wins, also over [`Mutation::RemoveMember`].
    PutMember {
        conversation: ConversationId,
        member: Member,
        version: Seq,
    },
    /// As `PutMember`, but only for somebody who is a member at that version: a change of role never brings back who left.
    SetRole {
        conversation: ConversationId,
        user: UserId,
        role: Role,
        version: Seq,
    },
    RemoveMember {
        conversation: ConversationId,
        user: UserId,
        version: Seq,
    },
    DeleteConversation {
        conversation: ConversationId,
        version: Seq,
    },
    /// Somebody who did this has it settled at `seq`: for what is not an `InsertMessage`, so that its retry is found.
    Claim {
        conversation: ConversationId,
        author: UserId,
        client_msg_id: ClientMsgId,
        seq: Seq,
        at: Timestamp,
    },
}
