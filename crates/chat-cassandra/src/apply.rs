//! Mutations as writes. Timestamps are log positions, so that any order and any repetition gives the same rows.

mod group;

use chat_core::{Seq, UserId};
use chat_ports::PortError;
use chat_ports::store::Mutation;
use futures_util::future::{try_join, try_join_all, try_join3};
use futures_util::{StreamExt as _, TryStreamExt as _};

use self::group::Group;
use crate::buckets;
use crate::claims;
use crate::connection::Connection;
use crate::conversations;
use crate::members;
use crate::timeline::{self, Change};
use crate::value::time;

/// Conversations that are worked on at once. Their requests share the connection's permits.
const CONVERSATIONS: usize = 256;
/// Looks at the buckets after writing, until they stay as they are.
const LOOKS: usize = 8;

pub async fn apply(connection: &Connection, mutations: Vec<Mutation>) -> Result<(), PortError> {
    let groups = group::by_conversation(mutations)?;
    futures_util::stream::iter(groups)
        .map(|group| apply_group(connection, group))
        .buffer_unordered(CONVERSATIONS)
        .try_collect()
        .await
}

async fn apply_group(connection: &Connection, mut group: Group) -> Result<(), PortError> {
    let conversation = group.conversation;
    let first = try_join3(
        claims::settle(connection, conversation, &group.claims),
        conversations::write(connection, conversation, &group.settings),
        members::write(connection, conversation, &group.members),
    );
    let (superseded, (), ()) = first.await?;
    group.supersede(&superseded);
    write_timeline(connection, &group).await
}

async fn write_timeline(connection: &Connection, group: &Group) -> Result<(), PortError> {
    let conversation = group.conversation;
    let Some(highest) = group.changes.iter().map(Change::position).max() else {
        return write_head(connection, group, &buckets::Mapping::default()).await;
    };
    let mut mapping = buckets::known_or_look(connection, conversation).await?;
    let rows = timeline::write(connection, conversation, &mapping, group.changes.iter());
    try_join(rows, write_mentions(connection, group)).await?;

    let look = async {
        let _permit = connection.permit().await?;
        buckets::look_after(connection, conversation, highest).await
    };
    // Lists may show a conversation as changed a moment before a bucket that was opened meanwhile has its rows.
    let (mut seen, ()) = try_join(look, write_head(connection, group, &mapping)).await?;
    for _ in 0..LOOKS {
        let elsewhere = |change: &&Change| seen.of(change.position()) != mapping.of(change.position());
        let moved: Vec<_> = group.changes.iter().filter(elsewhere).collect();
        if moved.is_empty() {
            return Ok(());
        }
        timeline::write(connection, conversation, &seen, moved.into_iter()).await?;
        mapping = seen;
        seen = buckets::look_after(connection, conversation, highest).await?;
    }
    Err(PortError::unavailable(crate::failure::BACKEND, "the buckets of a conversation changed again and again"))
}

async fn write_mentions(connection: &Connection, group: &Group) -> Result<(), PortError> {
    let write = async |(user, seq): &(UserId, Seq)| {
        let _permit = connection.permit().await?;
        let values = (group.conversation.uuid(), user.uuid(), seq.as_i64(), seq.as_i64());
        connection.write(&connection.statements.insert_mention, values).await
    };
    try_join_all(group.mentions.iter().map(write)).await.map(drop)
}

/// How far the conversation has come, with how full its newest bucket is; opens the next one when it is full.
async fn write_head(connection: &Connection, group: &Group, mapping: &buckets::Mapping) -> Result<(), PortError> {
    let Some((seq, at)) = group.head else { return Ok(()) };
    let conversation = group.conversation;
    let mut fill = buckets::fill(connection, conversation).await?;
    for change in group.changes.iter().filter(|change| matches!(change, Change::Insert { .. })) {
        fill.add(mapping, change.position(), change.bytes());
    }
    fill.up_to = fill.up_to.max(seq);
    let [bucket, rows, bytes] =
        [fill.bucket, fill.rows.try_into().unwrap_or(i64::MAX), fill.bytes.try_into().unwrap_or(i64::MAX)];
    {
        let _permit = connection.permit().await?;
        let values = (seq.as_i64(), seq.as_i64(), time(at), bucket, rows, bytes, conversation.uuid());
        connection.write(&connection.statements.set_head, values).await?;
    }
    connection.mappings.put_fill(conversation, fill).await;
    if connection.is_full(&fill) {
        // Not what the call is about: a bucket that stays open longer does no harm, and the next write tries again.
        match buckets::open(connection, conversation, mapping, fill.up_to).await {
            Ok(opened) => tracing::debug!(%conversation, rows, opened, "a bucket is full"),
            Err(error) => tracing::warn!(%conversation, "no new bucket yet: {error}"),
        }
    }
    Ok(())
}
