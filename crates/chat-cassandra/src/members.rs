//! Who is in a conversation.

use chat_core::{ConversationId, Member, Role, Seq, UserId};
use chat_ports::PortError;
use futures_util::future::{try_join, try_join_all};
use uuid::Uuid;

use crate::batch::Line;
use crate::connection::Connection;
use crate::failure::BACKEND;
use crate::value::role;

pub enum MemberChange {
    Put { user: UserId, role: Role, version: Seq },
    Role { user: UserId, role: Role, version: Seq },
    Remove { user: UserId, version: Seq },
}

const ROW_BYTES: usize = 64;

impl MemberChange {
    /// The row of the conversation, and that of the user.
    fn lines<'a>(&'a self, connection: &'a Connection, conversation: ConversationId) -> [Line<'a>; 2] {
        let (statements, conv) = (&connection.statements, conversation.uuid());
        match self {
            Self::Put { user, role, version } => {
                [&statements.put_member, &statements.put_membership].map(|statement| {
                    let (version, joined) = (version.as_i64(), version.as_i64());
                    let values = Box::new((version, joined, role.as_str(), conv, user.uuid()));
                    Line { statement, values, bytes: ROW_BYTES }
                })
            }
            Self::Role { user, role, version } => {
                [&statements.set_role, &statements.set_membership_role].map(|statement| {
                    let values = Box::new((version.as_i64(), role.as_str(), conv, user.uuid()));
                    Line { statement, values, bytes: ROW_BYTES }
                })
            }
            Self::Remove { user, version } => {
                [&statements.remove_member, &statements.remove_membership].map(|statement| Line {
                    statement,
                    values: Box::new((version.as_i64(), conv, user.uuid())),
                    bytes: ROW_BYTES,
                })
            }
        }
    }
}

pub async fn write(
    connection: &Connection,
    conversation: ConversationId,
    changes: &[MemberChange],
) -> Result<(), PortError> {
    if changes.is_empty() {
        return Ok(());
    }
    let (mut of_conversation, mut of_users) = (Vec::new(), Vec::new());
    for change in changes {
        let [one, other] = change.lines(connection, conversation);
        of_conversation.push(one);
        of_users.push(connection.write_lines(vec![other]));
    }
    let written = try_join(connection.write_lines(of_conversation), try_join_all(of_users)).await;
    // Also after a failure: some of it may be there.
    connection.membership_epochs.changed(&conversation);
    written.map(drop)
}

/// A count above this may be up to ten seconds old. Below, people see who came and went on another node at once, and
/// counting costs no more than a page of messages.
const COUNTED_ANEW: u64 = 500;

/// How many members there are.
pub async fn count(connection: &Connection, conversation: ConversationId) -> Result<u64, PortError> {
    let key = (conversation, connection.membership_epochs.of(&conversation));
    if let Some(count) = connection.counts.get(&key).await {
        return Ok(count);
    }
    let mut count = 0;
    scan(connection, conversation, None, |_| {
        count += 1;
        Ok(true)
    })
    .await?;
    if count > COUNTED_ANEW {
        connection.counts.insert(key, count).await;
    }
    Ok(count)
}

pub async fn owners(connection: &Connection, conversation: ConversationId) -> Result<usize, PortError> {
    let mut count = 0;
    scan(connection, conversation, None, |member| {
        count += usize::from(member.role == Role::Owner);
        Ok(true)
    })
    .await?;
    Ok(count)
}

/// Up to `limit` members after `after`.
pub async fn list(
    connection: &Connection,
    conversation: ConversationId,
    after: Option<UserId>,
    limit: usize,
) -> Result<Vec<Member>, PortError> {
    let mut members = Vec::new();
    if limit == 0 {
        return Ok(members);
    }
    scan(connection, conversation, after, |member| {
        members.push(member);
        Ok(members.len() < limit)
    })
    .await?;
    Ok(members)
}

/// Calls `each` with the members that are present.
async fn scan(
    connection: &Connection,
    conversation: ConversationId,
    after: Option<UserId>,
    mut each: impl FnMut(Member) -> Result<bool, PortError>,
) -> Result<(), PortError> {
    type Row = (Uuid, Option<bool>, Option<String>);
    let each = |(user, present, text): Row| match (present, text) {
        (Some(true), Some(text)) => each(Member { user: UserId::new(user), role: role(&text)? }),
        (Some(true), None) => {
            Err(PortError::Corrupt { backend: BACKEND, detail: format!("member {user} has no role") })
        }
        _ => Ok(true),
    };
    match after {
        None => connection.scan(&connection.statements.members, (conversation.uuid(),), each).await,
        Some(user) => {
            connection.scan(&connection.statements.members_after, (conversation.uuid(), user.uuid()), each).await
        }
    }
}
