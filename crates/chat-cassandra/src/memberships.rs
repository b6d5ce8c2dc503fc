//! A user's conversations.

use std::collections::HashMap;

use chat_core::{ConversationId, Role, Seq, UserId};
use chat_ports::PortError;
use chat_ports::store::{ListPosition, MembershipRow};
use futures_util::future::{try_join, try_join3};
use futures_util::{StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use crate::connection::Connection;
use crate::conversations::{conversation, head, lives};
use crate::value::{have, role};

/// Reads on their way at once for one list.
const READS: usize = 64;

/// A user's part in a conversation.
struct Part {
    conversation: ConversationId,
    role: Role,
    joined_seq: Seq,
}

fn part(
    conversation: Uuid,
    present: Option<bool>,
    joined_seq: Option<i64>,
    text: Option<String>,
) -> Result<Option<Part>, PortError> {
    if present != Some(true) {
        return Ok(None);
    }
    let role = role(&have(text, "role")?)?;
    let joined_seq = Seq::from_i64(have(joined_seq, "joined_seq")?);
    Ok(Some(Part { conversation: ConversationId::new(conversation), role, joined_seq }))
}

pub async fn one(
    connection: &Connection,
    id: ConversationId,
    user: UserId,
) -> Result<Option<MembershipRow>, PortError> {
    type Member = (Option<bool>, Option<i64>, Option<String>);
    let member = connection.first::<Member>(&connection.statements.member, (id.uuid(), user.uuid()));
    let preference =
        connection.first::<(Option<bool>, Option<bool>)>(&connection.statements.preference, (user.uuid(), id.uuid()));
    let (member, preference, conversation) = try_join3(member, preference, conversation(connection, id)).await?;
    let (Some((present, joined, text)), Some(conversation)) = (member, conversation) else { return Ok(None) };
    let (muted, pinned) = preference.unwrap_or_default();
    let Some(Part { role, joined_seq, .. }) = part(id.uuid(), present, joined, text)? else { return Ok(None) };
    let (muted, pinned) = (muted == Some(true), pinned == Some(true));
    Ok(Some(MembershipRow { conversation, role, joined_seq, muted, pinned }))
}

async fn parts(connection: &Connection, user: UserId) -> Result<Vec<Part>, PortError> {
    type Row = (Uuid, Option<bool>, Option<i64>, Option<String>);
    let mut parts = Vec::new();
    let each = |(id, present, joined, text): Row| {
        parts.extend(part(id, present, joined, text)?);
        Ok(true)
    };
    connection.scan(&connection.statements.memberships, (user.uuid(),), each).await?;
    Ok(parts)
}

pub async fn ids(connection: &Connection, user: UserId) -> Result<Vec<ConversationId>, PortError> {
    let parts = parts(connection, user).await?;
    let living = futures_util::stream::iter(parts.into_iter().map(|part| part.conversation))
        .map(async |id| Ok::<_, PortError>(lives(connection, id).await?.then_some(id)))
        .buffer_unordered(READS);
    living.try_filter_map(async |id| Ok(id)).try_collect().await
}

/// A partition of the user's conversations, and the heads of all of them for the order; the rest for those that the
/// page shows.
pub async fn list(
    connection: &Connection,
    user: UserId,
    after: Option<ListPosition>,
    limit: usize,
) -> Result<Vec<MembershipRow>, PortError> {
    let (parts, preferences) = try_join(parts(connection, user), preferences(connection, user)).await?;
    let placed = futures_util::stream::iter(parts)
        .map(async |part| Ok::<_, PortError>((head(connection, part.conversation).await?.last_seq, part)))
        .buffer_unordered(READS);
    let mut placed: Vec<((bool, Seq, ConversationId), Part)> = placed
        .map_ok(|(last_seq, part)| {
            let pinned = preferences.get(&part.conversation).is_some_and(|(_, pinned)| *pinned);
            ((pinned, last_seq, part.conversation), part)
        })
        .try_collect()
        .await?;
    if let Some(ListPosition { pinned, last_seq, id }) = after {
        placed.retain(|(place, _)| *place < (pinned, last_seq, id));
    }
    placed.sort_unstable_by_key(|(place, _)| std::cmp::Reverse(*place));
    let rows = futures_util::stream::iter(placed)
        .map(async |((pinned, ..), Part { conversation: id, role, joined_seq })| {
            let Some(conversation) = conversation(connection, id).await? else { return Ok(None) };
            let muted = preferences.get(&id).is_some_and(|(muted, _)| *muted);
            Ok::<_, PortError>(Some(MembershipRow { conversation, role, joined_seq, muted, pinned }))
        })
        .buffered(READS.min(limit.max(1)));
    rows.try_filter_map(async |row| Ok(row)).take(limit).try_collect().await
}

/// Muted and pinned, by conversation.
async fn preferences(
    connection: &Connection,
    user: UserId,
) -> Result<HashMap<ConversationId, (bool, bool)>, PortError> {
    let mut all = HashMap::new();
    let each = |(id, muted, pinned): (Uuid, Option<bool>, Option<bool>)| {
        all.insert(ConversationId::new(id), (muted == Some(true), pinned == Some(true)));
        Ok(true)
    };
    connection.scan(&connection.statements.preferences, (user.uuid(),), each).await?;
    Ok(all)
}
