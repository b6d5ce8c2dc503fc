use async_trait::async_trait;
use chat_core::{ConversationId, ConversationKind, Member, Role, Seq, UserId};
use chat_ports::PortError;
use chat_ports::store::{ConversationRow, ConversationStore, ListPosition, MembershipRow};
use rusqlite::{OptionalExtension as _, Result as SqlResult, Row, params};

use super::SqliteStore;
use super::value::{id, id_or_none, parsed, time};

const COLUMNS: &str =
    "c.id, c.kind, c.title, c.avatar, c.created_by, c.created_at, c.last_seq, c.last_at, c.member_count";
const LIVE: &str = "c.kind IS NOT NULL AND c.deleted_version = 0";

fn conversation(row: &Row<'_>) -> SqlResult<ConversationRow> {
    Ok(ConversationRow {
        id: id(row, 0)?,
        kind: parsed(row, 1, ConversationKind::from_text)?,
        title: row.get(2)?,
        avatar: id_or_none(row, 3)?,
        created_by: id(row, 4)?,
        created_at: time(row, 5)?,
        last_seq: Seq::from_i64(row.get(6)?),
        last_at: time(row, 7)?,
        member_count: row.get(8)?,
    })
}

fn membership(row: &Row<'_>) -> SqlResult<MembershipRow> {
    Ok(MembershipRow {
        conversation: conversation(row)?,
        role: parsed(row, 9, Role::from_text)?,
        joined_seq: Seq::from_i64(row.get(10)?),
        muted: row.get(11)?,
        pinned: row.get(12)?,
    })
}

fn memberships_sql(filter: &str) -> String {
    format!(
        "SELECT {COLUMNS}, m.role, m.version, coalesce(p.muted, 0), coalesce(p.pinned, 0) AS pinned
         FROM members m JOIN conversations c ON c.id = m.conv
         LEFT JOIN preferences p ON p.user = m.user AND p.conv = m.conv
         WHERE m.present = 1 AND {LIVE} AND {filter}"
    )
}

#[async_trait]
impl ConversationStore for SqliteStore {
    async fn reserve_direct(&self, a: UserId, b: UserId, new: ConversationId) -> Result<ConversationId, PortError> {
        let (low, high) = (a.min(b), a.max(b));
        self.database
            .writer
            .call(move |db| {
                let pair = params![low.as_bytes(), high.as_bytes(), new.as_bytes()];
                db.prepare_cached("INSERT OR IGNORE INTO direct_pairs (low, high, conv) VALUES (?1, ?2, ?3)")?
                    .execute(pair)?;
                db.prepare_cached("SELECT conv FROM direct_pairs WHERE low = ?1 AND high = ?2")?
                    .query_row(params![low.as_bytes(), high.as_bytes()], |row| id(row, 0))
            })
            .await
    }

    async fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRow>, PortError> {
        self.database.point(|db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM conversations c WHERE c.id = ?1 AND {LIVE}"))?
                .query_row([id.as_bytes()], conversation)
                .optional()
        })
    }

    async fn membership(&self, id: ConversationId, user: UserId) -> Result<Option<MembershipRow>, PortError> {
        self.database.point(|db| {
            db.prepare_cached(&memberships_sql("m.conv = ?1 AND m.user = ?2"))?
                .query_row(params![id.as_bytes(), user.as_bytes()], membership)
                .optional()
        })
    }

    async fn memberships(
        &self,
        user: UserId,
        after: Option<ListPosition>,
        limit: usize,
    ) -> Result<Vec<MembershipRow>, PortError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let start =
            after.unwrap_or(ListPosition { pinned: true, last_seq: Seq::MAX, id: ConversationId::from_bytes([0; 16]) });
        self.database
            .read(move |db| {
                let page = "m.user = ?1 AND (coalesce(p.pinned, 0), c.last_seq, c.id) < (?2, ?3, ?4)
                    ORDER BY coalesce(p.pinned, 0) DESC, c.last_seq DESC, c.id DESC LIMIT ?5";
                db.prepare_cached(&memberships_sql(page))?
                    .query_map(
                        params![user.as_bytes(), start.pinned, start.last_seq.as_i64(), start.id.as_bytes(), most],
                        membership,
                    )?
                    .collect()
            })
            .await
    }

    async fn conversation_ids(&self, user: UserId) -> Result<Vec<ConversationId>, PortError> {
        self.database
            .read(move |db| {
                db.prepare_cached(&format!(
                    "SELECT m.conv FROM members m JOIN conversations c ON c.id = m.conv
                     WHERE m.user = ?1 AND m.present = 1 AND {LIVE}"
                ))?
                .query_map([user.as_bytes()], |row| id(row, 0))?
                .collect()
            })
            .await
    }

    async fn members(&self, id: ConversationId, after: Option<UserId>, limit: usize) -> Result<Vec<Member>, PortError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        // Every id is above the empty blob.
        let start = after.map(|user| user.as_bytes().to_vec()).unwrap_or_default();
        let member =
            |row: &Row<'_>| Ok(Member { user: super::value::id(row, 0)?, role: parsed(row, 1, Role::from_text)? });
        self.database
            .read(move |db| {
                db.prepare_cached(
                    "SELECT user, role FROM members WHERE conv = ?1 AND user > ?2 AND present = 1 ORDER BY user LIMIT ?3",
                )?
                .query_map(params![id.as_bytes(), start, most], member)?
                .collect()
            })
            .await
    }

    async fn owner_count(&self, id: ConversationId) -> Result<usize, PortError> {
        self.database.point(|db| {
            db.prepare_cached("SELECT count(*) FROM members WHERE conv = ?1 AND present = 1 AND role = 'owner'")?
                .query_row([id.as_bytes()], |row| row.get(0))
        })
    }

    async fn set_preferences(
        &self,
        id: ConversationId,
        user: UserId,
        muted: Option<bool>,
        pinned: Option<bool>,
    ) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                db.prepare_cached(
                    "INSERT INTO preferences (user, conv, muted, pinned) VALUES (?1, ?2, coalesce(?3, 0), coalesce(?4, 0))
                     ON CONFLICT DO UPDATE SET muted = coalesce(?3, muted), pinned = coalesce(?4, pinned)",
                )?
                .execute(params![user.as_bytes(), id.as_bytes(), muted, pinned])
                .map(drop)
            })
            .await
    }
}
