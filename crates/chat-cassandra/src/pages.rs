//! Pages of a timeline.

use std::collections::BTreeMap;

use chat_core::{ClientMsgId, ConversationId, Emoji, MessageId, Seq, UserId};
use chat_ports::PortError;
use chat_ports::store::{MessageRow, Position, RowPage};
use futures_util::future::{try_join, try_join_all};
use scylla::DeserializeRow;
use scylla::value::CqlTimestamp;
use uuid::Uuid;

use crate::buckets::{self, Mapping};
use crate::connection::Connection;
use crate::failure::{BACKEND, corrupt};
use crate::value::{body, have, limit as cql_limit, message_kind, timestamp};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageKey {
    conversation: ConversationId,
    side: u8,
    at: Seq,
    limit: usize,
}

impl PageKey {
    pub fn new(conversation: ConversationId, position: Position, limit: usize) -> Self {
        let (side, at) = match position {
            Position::Newest => (0, Seq::MAX),
            Position::Before(seq) => (1, seq),
            Position::After(seq) => (2, seq),
            Position::Around(seq) => (3, seq),
        };
        Self { conversation, side, at, limit }
    }
}

/// A row as it lies in the table.
#[derive(DeserializeRow)]
struct Stored {
    seq: i64,
    id: Option<Uuid>,
    author: Option<Uuid>,
    client_msg_id: Option<Uuid>,
    kind: Option<String>,
    body: Option<String>,
    at: Option<CqlTimestamp>,
    edit_body: Option<String>,
    edited_at: Option<CqlTimestamp>,
    deleted: Option<bool>,
    hidden: Option<bool>,
}

impl Stored {
    /// `None` while it was not inserted, and when it is superseded.
    fn row(self) -> Result<Option<MessageRow>, PortError> {
        let Some(kind) = self.kind.filter(|_| self.hidden != Some(true)) else { return Ok(None) };
        let deleted = self.deleted == Some(true);
        let text = self.edit_body.or(self.body).filter(|_| !deleted).unwrap_or_default();
        Ok(Some(MessageRow {
            seq: Seq::from_i64(self.seq),
            id: MessageId::new(have(self.id, "id")?),
            author: UserId::new(have(self.author, "author")?),
            client_msg_id: self.client_msg_id.map(ClientMsgId::new),
            kind: message_kind(&kind)?,
            body: body(&text)?,
            at: timestamp(have(self.at, "at")?),
            edited_at: self.edited_at.filter(|_| !deleted).map(timestamp),
            deleted,
            reactions: Vec::new(),
        }))
    }
}

/// Rows of one read. A page of 100 takes one; a page in which many rows don't show takes more.
const ROWS: usize = 500;
/// Looks at the buckets until they stay as they are.
const LOOKS: usize = 8;

/// Reads with the buckets as they are: with those that are known when `highest` is below the newest of them, since those
/// never change; else the buckets are looked at meanwhile, and the read is done again if there is a new one.
pub async fn with_mapping<T, F>(
    connection: &Connection,
    conversation: ConversationId,
    highest: Seq,
    read: impl Fn(Mapping) -> F,
) -> Result<T, PortError>
where
    F: Future<Output = Result<T, PortError>>,
{
    for _ in 0..LOOKS {
        match connection.mappings.known(conversation).await {
            None => {
                let seen = buckets::look(connection, conversation).await?;
                return read(seen.mapping).await;
            }
            Some(known) if highest.as_i64() < known.newest() => return read(known).await,
            Some(known) => {
                let newest = known.newest();
                let (answer, seen) = try_join(read(known), buckets::look(connection, conversation)).await?;
                if seen.mapping.newest() == newest {
                    return Ok(answer);
                }
            }
        }
    }
    Err(PortError::unavailable(BACKEND, "the buckets of a conversation changed again and again"))
}

pub async fn page(
    connection: &Connection,
    conversation: ConversationId,
    position: Position,
    limit: usize,
) -> Result<RowPage, PortError> {
    let highest = match position {
        Position::Before(seq) => Seq::new(seq.get().saturating_sub(1)),
        Position::Newest | Position::After(_) | Position::Around(_) => Seq::MAX,
    };
    with_mapping(connection, conversation, highest, async |mapping| {
        let older = async |from, limit| walk(connection, conversation, &mapping, Way::Down, from, limit).await;
        let newer = async |from, limit| walk(connection, conversation, &mapping, Way::Up, from, limit).await;
        let (mut rows, has_more) = match position {
            Position::Newest => older(Seq::MAX, limit).await?,
            Position::Before(seq) => older(seq, limit).await?,
            Position::After(seq) => newer(seq, limit).await?,
            Position::Around(seq) => {
                let up_to = Seq::new(seq.get() + 1);
                let ((mut rows, more), (later, _)) =
                    try_join(older(up_to, limit - limit / 2), newer(seq, limit / 2)).await?;
                rows.extend(later);
                (rows, more)
            }
        };
        add_reactions(connection, conversation, &mapping, &mut rows).await?;
        Ok(RowPage { rows, has_more })
    })
    .await
}

pub async fn message(
    connection: &Connection,
    conversation: ConversationId,
    seq: Seq,
) -> Result<Option<MessageRow>, PortError> {
    with_mapping(connection, conversation, seq, async |mapping| {
        let key = (conversation.uuid(), mapping.of(seq), seq.as_i64());
        let stored: Option<Stored> = connection.first(&connection.statements.one_message, key).await?;
        let mut rows: Vec<_> = stored.map(Stored::row).transpose()?.flatten().into_iter().collect();
        add_reactions(connection, conversation, &mapping, &mut rows).await?;
        Ok(rows.pop())
    })
    .await
}

/// Which way a walk goes.
#[derive(Clone, Copy)]
enum Way {
    Down,
    Up,
}

/// Up to `limit` rows, ascending, and whether there are more: below `from` on the way down, above it on the way up.
async fn walk(
    connection: &Connection,
    conversation: ConversationId,
    mapping: &Mapping,
    way: Way,
    from: Seq,
    limit: usize,
) -> Result<(Vec<MessageRow>, bool), PortError> {
    let buckets: &mut (dyn Iterator<Item = (i64, i64)> + Send) = match way {
        Way::Down => &mut mapping.down_from(from),
        Way::Up => &mut mapping.up_from(from),
    };
    let mut rows = Vec::new();
    'buckets: for (bucket, end) in buckets {
        let mut at = match way {
            Way::Down => from.as_i64().min(end),
            Way::Up => from.as_i64(),
        };
        loop {
            let most = (limit + 1 - rows.len()).min(ROWS);
            let stored = read(connection, conversation, way, (bucket, at, end), most).await?;
            let (count, last) = (stored.len(), stored.last().map(|row| row.seq));
            for row in stored {
                rows.extend(row.row()?);
            }
            if rows.len() > limit {
                break 'buckets;
            }
            match last {
                Some(last) if count == most => at = last,
                _ => break,
            }
        }
    }
    let more = rows.len() > limit;
    rows.truncate(limit);
    if matches!(way, Way::Down) {
        rows.reverse();
    }
    Ok((rows, more))
}

/// At most `most` rows of one bucket, from `at` on in the order of the way.
async fn read(
    connection: &Connection,
    conversation: ConversationId,
    way: Way,
    (bucket, at, end): (i64, i64, i64),
    most: usize,
) -> Result<Vec<Stored>, PortError> {
    let (conversation, most, statements) = (conversation.uuid(), cql_limit(most), &connection.statements);
    match way {
        Way::Down => connection.all(&statements.messages_older, (conversation, bucket, at, most)).await,
        Way::Up => connection.all(&statements.messages_newer, (conversation, bucket, at, end, most)).await,
    }
}

type Reaction = (i64, String, Uuid, Option<bool>, Option<i64>);

/// One read for each partition that the rows lie in.
async fn add_reactions(
    connection: &Connection,
    conversation: ConversationId,
    mapping: &Mapping,
    rows: &mut [MessageRow],
) -> Result<(), PortError> {
    let mut ranges: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for row in rows.iter() {
        let seq = row.seq.as_i64();
        ranges.entry(mapping.of(row.seq)).and_modify(|range| range.1 = seq).or_insert((seq, seq));
    }
    let reads = ranges.into_iter().map(async |(bucket, (first, last))| {
        let mut found = Vec::new();
        let key = (conversation.uuid(), bucket, first, last);
        let statement = &connection.statements.reactions_between;
        let each = |row: Reaction| {
            found.push(row);
            Ok(true)
        };
        connection.scan(statement, key, each).await?;
        Ok::<_, PortError>(found)
    });
    let mut found: Vec<Reaction> = try_join_all(reads).await?.into_iter().flatten().collect();
    found.retain(|(.., present, _)| *present == Some(true));
    found.sort_unstable_by_key(|(seq, _, _, _, version)| (*seq, *version));
    for (seq, emoji, user, ..) in found {
        if let Ok(at) = rows.binary_search_by_key(&Seq::from_i64(seq), |row| row.seq)
            && !rows[at].deleted
        {
            let emoji = Emoji::try_from(emoji).map_err(corrupt)?;
            rows[at].reactions.push((emoji, UserId::new(user)));
        }
    }
    Ok(())
}
