use chat_core::{EventBody, Member, MessageBody, MessageId, MessageKind, Seq};
use chat_ports::store::Mutation;
use chat_wire::LogRecord;
use uuid::Uuid;

/// The mutations of one record at its position. Replaying gives the same ones.
pub fn project(record: &LogRecord, seq: Seq) -> Vec<Mutation> {
    let LogRecord { conversation, at, actor, client_msg_id, body } = record;
    let (conversation, at, version) = (*conversation, *at, seq);
    let system_row = |kind, body| Mutation::InsertMessage {
        conversation,
        seq,
        id: system_id(record, seq),
        author: *actor,
        client_msg_id: None,
        kind,
        body,
        at,
    };
    let mut mutations = match body {
        EventBody::Message { id, body } => {
            // The insert is its own claim.
            return vec![Mutation::InsertMessage {
                conversation,
                seq,
                id: *id,
                author: *actor,
                client_msg_id: *client_msg_id,
                kind: MessageKind::Message,
                body: body.clone(),
                at,
            }];
        }
        EventBody::Edited { target, body } => {
            vec![Mutation::EditMessage { conversation, target: *target, body: body.clone(), at, version }]
        }
        EventBody::Deleted { target } => vec![Mutation::DeleteMessage { conversation, target: *target, version }],
        EventBody::ReactionAdded { target, emoji } | EventBody::ReactionRemoved { target, emoji } => {
            let present = matches!(body, EventBody::ReactionAdded { .. });
            let emoji = emoji.clone();
            vec![Mutation::SetReaction { conversation, target: *target, emoji, user: *actor, present, version }]
        }
        EventBody::ConversationCreated { conversation_kind, title, members } => {
            let create = Mutation::CreateConversation {
                conversation,
                kind: *conversation_kind,
                title: title.clone(),
                created_by: *actor,
                at,
                version,
            };
            let put = |member: &Member| Mutation::PutMember { conversation, member: *member, version };
            std::iter::once(create).chain(members.iter().map(put)).collect()
        }
        EventBody::MemberJoined { user, role } => vec![
            Mutation::PutMember { conversation, member: Member { user: *user, role: *role }, version },
            system_row(
                MessageKind::MemberJoined,
                MessageBody { user: Some(*user), role: Some(*role), ..MessageBody::default() },
            ),
        ],
        EventBody::MemberLeft { user } => vec![
            Mutation::RemoveMember { conversation, user: *user, version },
            system_row(MessageKind::MemberLeft, MessageBody { user: Some(*user), ..MessageBody::default() }),
        ],
        EventBody::RoleChanged { user, role } => vec![
            Mutation::SetRole { conversation, user: *user, role: *role, version },
            system_row(
                MessageKind::RoleChanged,
                MessageBody { user: Some(*user), role: Some(*role), ..MessageBody::default() },
            ),
        ],
        EventBody::ConversationUpdated { title, avatar } => vec![
            Mutation::ChangeConversation { conversation, title: title.clone(), avatar: *avatar, version },
            system_row(
                MessageKind::ConversationUpdated,
                MessageBody { title: title.clone(), ..MessageBody::default() },
            ),
        ],
        EventBody::ConversationDeleted {} => vec![Mutation::DeleteConversation { conversation, version }],
    };
    if let Some(id) = client_msg_id {
        mutations.push(Mutation::Claim { conversation, author: *actor, client_msg_id: *id, seq, at });
    }
    mutations
}

/// The id of a row that no client named: from its place, so that a replay gives the same.
fn system_id(record: &LogRecord, seq: Seq) -> MessageId {
    let mut bytes = *record.conversation.as_bytes();
    for (byte, part) in bytes[8..].iter_mut().zip(seq.get().to_be_bytes()) {
        *byte ^= part;
    }
    MessageId::new(Uuid::new_v8(bytes))
}
