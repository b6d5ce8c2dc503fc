use async_trait::async_trait;
use chat_core::{ClientMsgId, ConversationId, Emoji, MessageBody, MessageKind, ReadCursor, Seq, Timestamp, UserId};
use chat_ports::PortError;
use chat_ports::store::{MessageRow, MessageStore, Mutation, Position, RowPage, Unread};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult, Row, params};

use super::SqliteStore;
use super::apply::apply;
use super::value::{damaged, id, id_or_none, parsed, time};

/// Counts end here.
const COUNT_CAP: i64 = 100;
const COLUMNS: &str =
    "seq, id, author, client_msg_id, kind, coalesce(edit_body, body), at, edited_at, deleted_version > 0";

fn message(row: &Row<'_>) -> SqlResult<MessageRow> {
    let body = row.get_ref(5)?.as_str()?;
    let deleted: bool = row.get(8)?;
    let body: MessageBody = if deleted {
        MessageBody::default()
    } else {
        serde_json::from_str(body).map_err(|e| damaged(5, e.to_string()))?
    };
    let edited_at: Option<i64> = row.get(7)?;
    Ok(MessageRow {
        seq: Seq::from_i64(row.get(0)?),
        id: id(row, 1)?,
        author: id(row, 2)?,
        client_msg_id: id_or_none(row, 3)?,
        kind: parsed(row, 4, MessageKind::from_text)?,
        body,
        at: time(row, 6)?,
        edited_at: edited_at.filter(|_| !deleted).map(Timestamp::from_millis),
        deleted,
        reactions: Vec::new(),
    })
}

/// Up to `limit` rows on one side of `from` (not included), ascending, and whether there are more on that side.
fn side(
    db: &Connection,
    conv: ConversationId,
    from: Seq,
    newer: bool,
    limit: usize,
) -> SqlResult<(Vec<MessageRow>, bool)> {
    let (compare, order) = if newer { (">", "ASC") } else { ("<", "DESC") };
    let mut statement = db.prepare_cached(&format!(
        "SELECT {COLUMNS} FROM messages WHERE conv = ?1 AND seq {compare} ?2 AND kind IS NOT NULL ORDER BY seq {order} LIMIT ?3"
    ))?;
    let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let rows = statement.query_map(params![conv.as_bytes(), from.as_i64(), most], message)?;
    let mut rows = rows.collect::<SqlResult<Vec<_>>>()?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    if !newer {
        rows.reverse();
    }
    Ok((rows, more))
}

fn page(db: &Connection, conv: ConversationId, position: Position, limit: usize) -> SqlResult<RowPage> {
    let after_all = Seq::MAX;
    let (mut rows, has_more) = match position {
        Position::Newest => side(db, conv, after_all, false, limit)?,
        Position::Before(seq) => side(db, conv, seq, false, limit)?,
        Position::After(seq) => side(db, conv, seq, true, limit)?,
        Position::Around(seq) => {
            let newer = side(db, conv, seq, true, limit / 2)?.0;
            let (mut rows, more) = side(db, conv, Seq::new(seq.get() + 1), false, limit - limit / 2)?;
            rows.extend(newer);
            (rows, more)
        }
    };
    add_reactions(db, conv, &mut rows)?;
    Ok(RowPage { rows, has_more })
}

fn add_reactions(db: &Connection, conv: ConversationId, rows: &mut [MessageRow]) -> SqlResult<()> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
    let range = params![conv.as_bytes(), first.seq.as_i64(), last.seq.as_i64()];
    let mut statement = db.prepare_cached(
        "SELECT target, emoji, user FROM reactions WHERE conv = ?1 AND target BETWEEN ?2 AND ?3 AND present = 1
         ORDER BY target, version",
    )?;
    let mut found = statement.query(range)?;
    while let Some(row) = found.next()? {
        let target = Seq::from_i64(row.get(0)?);
        if let Ok(at) = rows.binary_search_by_key(&target, |row| row.seq)
            && !rows[at].deleted
        {
            let emoji = Emoji::try_from(row.get::<_, String>(1)?).map_err(|e| damaged(1, e.to_string()))?;
            rows[at].reactions.push((emoji, id(row, 2)?));
        }
    }
    Ok(())
}

pub fn put_cursor(db: &Connection, conv: ConversationId, user: UserId, cursor: ReadCursor) -> SqlResult<()> {
    db.prepare_cached(
        "INSERT INTO cursors (conv, user, read, delivered) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET read = max(read, ?3), delivered = max(delivered, ?4)",
    )?
    .execute(params![
        conv.as_bytes(),
        user.as_bytes(),
        cursor.read.as_i64(),
        cursor.delivered.max(cursor.read).as_i64()
    ])
    .map(drop)
}

fn cursor(row: &Row<'_>, column: usize) -> SqlResult<ReadCursor> {
    Ok(ReadCursor { read: Seq::from_i64(row.get(column)?), delivered: Seq::from_i64(row.get(column + 1)?) })
}

fn count_unread(db: &Connection, conv: ConversationId, user: UserId, after: Seq, up_to: Seq) -> SqlResult<Unread> {
    let range = params![conv.as_bytes(), user.as_bytes(), after.as_i64(), up_to.as_i64(), COUNT_CAP];
    let count = |sql: &str| db.prepare_cached(sql)?.query_row(range, |row| row.get::<_, u64>(0));
    Ok(Unread {
        unread: count(
            "SELECT count(*) FROM (SELECT 1 FROM messages WHERE conv = ?1 AND seq > ?3 AND seq <= ?4
             AND kind = 'message' AND author <> ?2 AND deleted_version = 0 LIMIT ?5)",
        )?,
        // CROSS: the few mentions first, then their messages; the planner would walk all messages.
        mentions: count(
            "SELECT count(*) FROM (SELECT 1 FROM mentions n CROSS JOIN messages m ON m.conv = n.conv AND m.seq = n.seq
             WHERE n.conv = ?1 AND n.user = ?2 AND n.seq > ?3 AND n.seq <= ?4
             AND m.author <> ?2 AND m.deleted_version = 0 LIMIT ?5)",
        )?,
    })
}

#[async_trait]
impl MessageStore for SqliteStore {
    async fn apply(&self, mutations: Vec<Mutation>) -> Result<(), PortError> {
        self.database.writer.call(move |db| mutations.iter().try_for_each(|mutation| apply(db, mutation))).await
    }

    async fn page(&self, conversation: ConversationId, position: Position, limit: usize) -> Result<RowPage, PortError> {
        self.database.read(move |db| page(db, conversation, position, limit)).await
    }

    async fn message(&self, conversation: ConversationId, seq: Seq) -> Result<Option<MessageRow>, PortError> {
        self.database.point(|db| {
            let row = db
                .prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM messages WHERE conv = ?1 AND seq = ?2 AND kind IS NOT NULL"
                ))?
                .query_row(params![conversation.as_bytes(), seq.as_i64()], message)
                .optional()?;
            let mut rows: Vec<_> = row.into_iter().collect();
            add_reactions(db, conversation, &mut rows)?;
            Ok(rows.pop())
        })
    }

    async fn unread(
        &self,
        conversation: ConversationId,
        user: UserId,
        after: Seq,
        up_to: Seq,
    ) -> Result<Unread, PortError> {
        self.database.read(move |db| count_unread(db, conversation, user, after, up_to)).await
    }

    async fn put_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: ReadCursor,
    ) -> Result<(), PortError> {
        self.database.writer.call(move |db| put_cursor(db, conversation, user, cursor)).await
    }

    async fn cursors(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<(UserId, ReadCursor)>, PortError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database
            .read(move |db| {
                db.prepare_cached("SELECT user, read, delivered FROM cursors WHERE conv = ?1 LIMIT ?2")?
                    .query_map(params![conversation.as_bytes(), most], |row| Ok((id(row, 0)?, cursor(row, 1)?)))?
                    .collect()
            })
            .await
    }

    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError> {
        self.database.point(|db| {
            let found = db
                .prepare_cached("SELECT read, delivered FROM cursors WHERE conv = ?1 AND user = ?2")?
                .query_row(params![conversation.as_bytes(), user.as_bytes()], |row| cursor(row, 0))
                .optional()?;
            Ok(found.unwrap_or_default())
        })
    }

    async fn claimed(
        &self,
        conversation: ConversationId,
        author: UserId,
        client_msg_id: ClientMsgId,
    ) -> Result<Option<(Seq, Timestamp)>, PortError> {
        self.database.point(|db| {
            db.prepare_cached(
                "SELECT seq, at FROM message_claims WHERE conv = ?1 AND author = ?2 AND client_msg_id = ?3",
            )?
            .query_row(params![conversation.as_bytes(), author.as_bytes(), client_msg_id.as_bytes()], |row| {
                Ok((Seq::from_i64(row.get(0)?), time(row, 1)?))
            })
            .optional()
        })
    }

    async fn check(&self) -> Result<(), PortError> {
        self.database
            .point(|db| db.prepare_cached("SELECT count(*) FROM conversations LIMIT 1")?.query_row([], |_| Ok(())))
    }
}
