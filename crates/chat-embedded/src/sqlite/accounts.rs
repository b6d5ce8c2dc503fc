use async_trait::async_trait;
use chat_core::{SessionId, Timestamp, UserId, Username};
use chat_ports::PortError;
use chat_ports::store::{AccountStore, Credentials, NewUser, ProfileChange, RefreshOutcome, SessionRow, UserRow};
use rusqlite::{Connection, OptionalExtension as _, Result as SqlResult, Row, params};

use super::SqliteStore;
use super::value::{id, id_or_none, parsed, time};

const COLUMNS: &str = "id, username, display_name, avatar, status_text, last_seen_visible, last_seen, created_at";
const SESSION: &str = "id, user, device_name, created_at, last_used_at, expires_at";

fn user(row: &Row<'_>) -> SqlResult<UserRow> {
    Ok(UserRow {
        id: id(row, 0)?,
        username: parsed(row, 1, |text| Username::try_from(text.to_owned()).ok())?,
        display_name: row.get(2)?,
        avatar: id_or_none(row, 3)?,
        status_text: row.get(4)?,
        last_seen_visible: row.get(5)?,
        last_seen: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_millis),
        created_at: time(row, 7)?,
    })
}

fn session(row: &Row<'_>) -> SqlResult<SessionRow> {
    Ok(SessionRow {
        id: id(row, 0)?,
        user: id(row, 1)?,
        device_name: row.get(2)?,
        created_at: time(row, 3)?,
        last_used_at: time(row, 4)?,
        expires_at: time(row, 5)?,
    })
}

/// The words by which somebody is found, in lower case.
fn put_words(db: &Connection, username: &str, display_name: &str) -> SqlResult<()> {
    db.prepare_cached("DELETE FROM user_words WHERE username = ?1")?.execute([username])?;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO user_words (word, username) VALUES (?1, ?2)")?;
    insert.execute([username, username])?;
    let display_name = display_name.to_lowercase();
    insert.execute([display_name.as_str(), username])?;
    for word in display_name.split_whitespace().skip(1).take(8) {
        insert.execute([word, username])?;
    }
    Ok(())
}

fn end_session(db: &Connection, session: SessionId) -> SqlResult<usize> {
    db.prepare_cached("DELETE FROM session_tokens WHERE session = ?1")?.execute([session.as_bytes()])?;
    db.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([session.as_bytes()])
}

fn find_session(db: &Connection, session_id: SessionId) -> SqlResult<Option<SessionRow>> {
    db.prepare_cached(&format!("SELECT {SESSION} FROM sessions WHERE id = ?1"))?
        .query_row([session_id.as_bytes()], session)
        .optional()
}

struct Rotation {
    session: SessionId,
    presented: [u8; 32],
    next: [u8; 32],
    now: Timestamp,
    expires_at: Timestamp,
    grace_ms: u64,
}

impl Rotation {
    fn run(&self, db: &Connection) -> SqlResult<RefreshOutcome> {
        let Some(row) = find_session(db, self.session)?.filter(|row| row.expires_at > self.now) else {
            return Ok(RefreshOutcome::Unknown);
        };
        let known: Option<Option<i64>> = db
            .prepare_cached("SELECT replaced_at FROM session_tokens WHERE hash = ?1 AND session = ?2")?
            .query_row(params![self.presented, self.session.as_bytes()], |row| row.get(0))
            .optional()?;
        match known {
            None => Ok(RefreshOutcome::Unknown),
            Some(Some(replaced_at)) => {
                if self.now.millis_since(Timestamp::from_millis(replaced_at)) < self.grace_ms {
                    return Ok(RefreshOutcome::Recent(row));
                }
                end_session(db, self.session)?;
                Ok(RefreshOutcome::Reused(row))
            }
            Some(None) => {
                db.prepare_cached("UPDATE session_tokens SET replaced_at = ?2 WHERE hash = ?1")?
                    .execute(params![self.presented, self.now.millis()])?;
                db.prepare_cached("INSERT INTO session_tokens (hash, session) VALUES (?1, ?2)")?
                    .execute(params![self.next, self.session.as_bytes()])?;
                db.prepare_cached("UPDATE sessions SET last_used_at = ?2, expires_at = ?3 WHERE id = ?1")?
                    .execute(params![self.session.as_bytes(), self.now.millis(), self.expires_at.millis()])?;
                Ok(RefreshOutcome::Rotated(SessionRow { last_used_at: self.now, expires_at: self.expires_at, ..row }))
            }
        }
    }
}

fn change_profile(db: &Connection, id: UserId, change: &ProfileChange) -> SqlResult<bool> {
    let key = id.as_bytes();
    let set = |sql: &str, value: &dyn rusqlite::ToSql| db.prepare_cached(sql)?.execute(params![key, value]).map(drop);
    if let Some(name) = &change.display_name {
        set("UPDATE users SET display_name = ?2 WHERE id = ?1", &name.as_str())?;
    }
    if let Some(avatar) = &change.avatar {
        set("UPDATE users SET avatar = ?2 WHERE id = ?1", &avatar.as_ref().map(chat_core::FileId::as_bytes))?;
    }
    if let Some(text) = &change.status_text {
        set("UPDATE users SET status_text = ?2 WHERE id = ?1", text)?;
    }
    if let Some(visible) = change.last_seen_visible {
        set("UPDATE users SET last_seen_visible = ?2 WHERE id = ?1", &visible)?;
    }
    let names: Option<(String, String)> = db
        .prepare_cached("SELECT username, display_name FROM users WHERE id = ?1")?
        .query_row([key], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((username, display_name)) = &names {
        put_words(db, username, display_name)?;
    }
    Ok(names.is_some())
}

#[async_trait]
impl AccountStore for SqliteStore {
    async fn create_user(&self, new: NewUser) -> Result<bool, PortError> {
        self.database
            .writer
            .call(move |db| {
                let made = db
                    .prepare_cached(
                        "INSERT INTO users (id, username, display_name, created_at, password_hash) VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![
                        new.id.as_bytes(),
                        new.username.as_str(),
                        new.display_name,
                        new.at.millis(),
                        new.password_hash
                    ])?;
                if made > 0 {
                    put_words(db, new.username.as_str(), &new.display_name)?;
                }
                Ok(made > 0)
            })
            .await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRow>, PortError> {
        self.database.point(|db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?
                .query_row([id.as_bytes()], user)
                .optional()
        })
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRow>, PortError> {
        let ids = ids.to_vec();
        self.database
            .read(move |db| {
                let mut statement = db.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE id = ?1"))?;
                let found = ids.iter().map(|id| statement.query_row([id.as_bytes()], user).optional());
                found.filter_map(Result::transpose).collect()
            })
            .await
    }

    async fn user_by_name(&self, name: &Username) -> Result<Option<UserRow>, PortError> {
        self.database.point(|db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM users WHERE username = ?1"))?
                .query_row([name.as_str()], user)
                .optional()
        })
    }

    async fn search_users(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<UserRow>, PortError> {
        let prefix = prefix.trim().to_lowercase();
        let after = after.map(|name| name.as_str().to_owned()).unwrap_or_default();
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database
            .read(move |db| {
                // Above every text that begins with the prefix.
                let end = format!("{prefix}\u{10ffff}");
                // The + keeps the planner from walking all names in order, for a prefix that few have.
                db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM users WHERE username IN (
                        SELECT DISTINCT username FROM user_words WHERE word >= ?1 AND word < ?2 AND +username > ?3
                        ORDER BY +username LIMIT ?4) ORDER BY username"
                ))?
                .query_map(params![prefix, end, after, most], user)?
                .collect()
            })
            .await
    }

    async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<bool, PortError> {
        self.database.writer.call(move |db| change_profile(db, id, &change)).await
    }

    async fn set_last_seen(&self, id: UserId, at: Timestamp) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                db.prepare_cached("UPDATE users SET last_seen = max(coalesce(last_seen, 0), ?2) WHERE id = ?1")?
                    .execute(params![id.as_bytes(), at.millis()])
                    .map(drop)
            })
            .await
    }

    async fn credentials(&self, name: &Username) -> Result<Option<Credentials>, PortError> {
        self.database.point(|db| {
            db.prepare_cached("SELECT id, password_hash FROM users WHERE username = ?1")?
                .query_row([name.as_str()], |row| Ok(Credentials { user: id(row, 0)?, password_hash: row.get(1)? }))
                .optional()
        })
    }

    async fn credentials_of(&self, user: UserId) -> Result<Option<Credentials>, PortError> {
        self.database.point(|db| {
            db.prepare_cached("SELECT id, password_hash FROM users WHERE id = ?1")?
                .query_row([user.as_bytes()], |row| Ok(Credentials { user: id(row, 0)?, password_hash: row.get(1)? }))
                .optional()
        })
    }

    async fn set_password(&self, id: UserId, hash: String) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                db.prepare_cached("UPDATE users SET password_hash = ?2 WHERE id = ?1")?
                    .execute(params![id.as_bytes(), hash])
                    .map(drop)
            })
            .await
    }

    async fn create_session(&self, new: SessionRow, refresh_hash: [u8; 32]) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                // Those that are over go when their user comes back.
                let over: Vec<SessionId> = db
                    .prepare_cached("SELECT id FROM sessions WHERE user = ?1 AND expires_at <= ?2")?
                    .query_map(params![new.user.as_bytes(), new.created_at.millis()], |row| id(row, 0))?
                    .collect::<SqlResult<_>>()?;
                over.into_iter().try_for_each(|session| end_session(db, session).map(drop))?;
                let insert = "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
                db.prepare_cached(&format!("INSERT INTO sessions ({SESSION}) {insert}"))?.execute(params![
                    new.id.as_bytes(),
                    new.user.as_bytes(),
                    new.device_name,
                    new.created_at.millis(),
                    new.last_used_at.millis(),
                    new.expires_at.millis()
                ])?;
                db.prepare_cached("INSERT INTO session_tokens (hash, session) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
                    .execute(params![refresh_hash, new.id.as_bytes()])
                    .map(drop)
            })
            .await
    }

    async fn rotate_session(
        &self,
        id: SessionId,
        presented: [u8; 32],
        next: [u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
        grace_ms: u64,
    ) -> Result<RefreshOutcome, PortError> {
        let rotation = Rotation { session: id, presented, next, now, expires_at, grace_ms };
        self.database.writer.call(move |db| rotation.run(db)).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionRow>, PortError> {
        self.database.point(|db| find_session(db, id))
    }

    async fn session_now(&self, id: SessionId) -> Result<Option<SessionRow>, PortError> {
        self.session(id).await
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<SessionRow>, PortError> {
        self.database
            .read(move |db| {
                db.prepare_cached(&format!(
                    "SELECT {SESSION} FROM sessions WHERE user = ?1 ORDER BY last_used_at DESC LIMIT 1000"
                ))?
                .query_map([user.as_bytes()], session)?
                .collect()
            })
            .await
    }

    async fn revoke_session(&self, user: UserId, id: SessionId) -> Result<bool, PortError> {
        self.database
            .writer
            .call(move |db| match find_session(db, id)? {
                Some(row) if row.user == user => end_session(db, id).map(|ended| ended > 0),
                _ => Ok(false),
            })
            .await
    }

    async fn revoke_sessions(&self, user: UserId, keep: Option<SessionId>) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                let ids: Vec<SessionId> = db
                    .prepare_cached("SELECT id FROM sessions WHERE user = ?1")?
                    .query_map([user.as_bytes()], |row| id(row, 0))?
                    .collect::<SqlResult<_>>()?;
                ids.into_iter().filter(|id| Some(*id) != keep).try_for_each(|id| end_session(db, id).map(drop))
            })
            .await
    }

    async fn set_block(&self, user: UserId, other: UserId, blocked: bool) -> Result<(), PortError> {
        let sql = if blocked {
            "INSERT OR IGNORE INTO blocks (user, other) VALUES (?1, ?2)"
        } else {
            "DELETE FROM blocks WHERE user = ?1 AND other = ?2"
        };
        self.database
            .writer
            .call(move |db| db.prepare_cached(sql)?.execute(params![user.as_bytes(), other.as_bytes()]).map(drop))
            .await
    }

    async fn blocks(&self, user: UserId) -> Result<Vec<UserId>, PortError> {
        self.database
            .read(move |db| {
                db.prepare_cached("SELECT other FROM blocks WHERE user = ?1 LIMIT 10000")?
                    .query_map([user.as_bytes()], |row| id(row, 0))?
                    .collect()
            })
            .await
    }

    async fn blocked_between(&self, a: UserId, b: UserId) -> Result<bool, PortError> {
        self.database.point(|db| {
            db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM blocks WHERE (user = ?1 AND other = ?2) OR (user = ?2 AND other = ?1))",
            )?
            .query_row(params![a.as_bytes(), b.as_bytes()], |row| row.get(0))
        })
    }
}
