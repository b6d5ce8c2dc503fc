//! Logins and their refresh tokens: one partition each, changed by lightweight transactions alone.

use chat_core::{SessionId, Timestamp, UserId};
use chat_ports::PortError;
use chat_ports::store::{RefreshOutcome, SessionRow};
use futures_util::{StreamExt as _, TryStreamExt as _};
use scylla::DeserializeRow;
use scylla::statement::batch::{Batch, BatchType};
use scylla::value::CqlTimestamp;
use tokio::time::Instant;
use uuid::Uuid;

use crate::connection::{Connection, Outcome, TRANSACTION_PATIENCE, jitter};
use crate::failure::{self, BACKEND};
use crate::value::{have, set, time, timestamp};

/// Attempts of a rotation that met with others.
const ATTEMPTS: u32 = 8;
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_millis(30);
/// Reads and transactions on their way at once for one call.
const AT_ONCE: usize = 16;
/// What Cassandra allows: 20 years.
const LONGEST_LIFE_SECS: u64 = 630_720_000;
const DAY_SECS: u64 = 86_400;

#[derive(DeserializeRow)]
struct Stored {
    user_id: Option<Uuid>,
    device_name: Option<String>,
    created_at: Option<CqlTimestamp>,
    last_used_at: Option<CqlTimestamp>,
    expires_at: Option<CqlTimestamp>,
    current: Option<Vec<u8>>,
    ended: Option<bool>,
}

/// A living session and its current token's hash.
struct Living {
    row: SessionRow,
    current: Vec<u8>,
}

/// `None` when it was ended, too.
async fn find(connection: &Connection, id: SessionId) -> Result<Option<Living>, PortError> {
    let stored: Option<Stored> = connection.first(&connection.statements.session, (id.uuid(),)).await?;
    let Some(stored) = stored.filter(|stored| stored.ended == Some(false)) else { return Ok(None) };
    let row = SessionRow {
        id,
        user: UserId::new(have(stored.user_id, "user_id")?),
        device_name: stored.device_name,
        created_at: timestamp(have(stored.created_at, "created_at")?),
        last_used_at: timestamp(have(stored.last_used_at, "last_used_at")?),
        expires_at: timestamp(have(stored.expires_at, "expires_at")?),
    };
    Ok(Some(Living { row, current: have(stored.current, "current")? }))
}

/// Seconds from `now` until a session's rows may go: a day after it is over.
fn life(expires_at: Timestamp, now: Timestamp) -> i32 {
    let seconds = (expires_at.millis_since(now) / 1_000 + DAY_SECS).min(LONGEST_LIFE_SECS);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

pub async fn create(connection: &Connection, new: &SessionRow, refresh_hash: [u8; 32]) -> Result<(), PortError> {
    let (statements, id, user) = (&connection.statements, new.id.uuid(), new.user.uuid());
    let life = life(new.expires_at, new.created_at);
    // Beside first: a list leaves out what is not there yet.
    connection.write(&statements.insert_user_session, (user, id, time(new.created_at), life)).await?;
    let values = (
        id,
        user,
        set(new.device_name.as_deref()),
        time(new.created_at),
        time(new.last_used_at),
        time(new.expires_at),
        refresh_hash,
        life,
    );
    connection.settle(&statements.insert_session, values).await.map(drop)
}

/// A living session as it was at most 2 s ago; what this process ended or refreshed is never answered from before.
pub async fn cached(connection: &Connection, id: SessionId) -> Result<Option<SessionRow>, PortError> {
    let key = (id, connection.session_epochs.of(&id));
    let reading = async { Ok(find(connection, id).await?.map(|living| living.row)) };
    let read = connection.sessions.try_get_with(key, reading).await;
    let row = read.map_err(|error: std::sync::Arc<PortError>| PortError::clone(&error))?;
    if row.is_none() {
        // One that is not there may be made by another process in a moment.
        connection.sessions.invalidate(&key).await;
    }
    Ok(row)
}

/// A living session as it is now. What was kept of it goes when it is over.
pub async fn fresh(connection: &Connection, id: SessionId) -> Result<Option<SessionRow>, PortError> {
    let row = find(connection, id).await?.map(|living| living.row);
    if row.is_none() {
        connection.session_epochs.changed(&id);
    }
    Ok(row)
}

pub async fn of_user(connection: &Connection, user: UserId) -> Result<Vec<SessionRow>, PortError> {
    let ids: Vec<(Uuid,)> = connection.all(&connection.statements.user_sessions, (user.uuid(),)).await?;
    let rows = futures_util::stream::iter(ids)
        .map(async |(id,)| Ok(find(connection, SessionId::new(id)).await?.map(|living| living.row)))
        .buffer_unordered(AT_ONCE);
    let mut rows: Vec<SessionRow> = rows.try_filter_map(async |row| Ok::<_, PortError>(row)).try_collect().await?;
    rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.last_used_at, row.id)));
    Ok(rows)
}

/// False when it was not there, or another user's, or ended before.
pub async fn end(connection: &Connection, user: UserId, id: SessionId) -> Result<bool, PortError> {
    let Some(living) = find(connection, id).await?.filter(|living| living.row.user == user) else { return Ok(false) };
    let life = life(living.row.expires_at, living.row.last_used_at);
    let ended = connection.settle(&connection.statements.end_session, (life, id.uuid(), user.uuid())).await;
    // Also after a failure: it may be ended.
    connection.session_epochs.changed(&id);
    let ended = ended?.applied;
    // A list leaves out what was ended: this only tidies.
    let tidied = connection.write(&connection.statements.drop_user_session, (user.uuid(), id.uuid())).await;
    if let Err(error) = tidied {
        tracing::debug!(%id, "an ended session stays listed until it is over: {error}");
    }
    Ok(ended)
}

pub async fn end_all(connection: &Connection, user: UserId, keep: Option<SessionId>) -> Result<(), PortError> {
    let ids: Vec<(Uuid,)> = connection.all(&connection.statements.user_sessions, (user.uuid(),)).await?;
    let others = ids.into_iter().map(|(id,)| SessionId::new(id)).filter(|id| Some(*id) != keep);
    futures_util::stream::iter(others)
        .map(async |id| end(connection, user, id).await.map(drop))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

pub struct Rotation {
    pub session: SessionId,
    pub presented: [u8; 32],
    pub next: [u8; 32],
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub grace_ms: u64,
}

impl Rotation {
    pub async fn run(&self, connection: &Connection) -> Result<RefreshOutcome, PortError> {
        let mut last = PortError::unavailable(BACKEND, "many refreshes of one session at once");
        let begun = Instant::now();
        for attempt in 0..ATTEMPTS {
            if begun.elapsed() > TRANSACTION_PATIENCE {
                break;
            }
            if attempt > 0 {
                tokio::time::sleep(jitter(RETRY_AFTER * attempt)).await;
            }
            match self.attempt(connection).await {
                Ok(Some(outcome)) => return Ok(outcome),
                // Another was first: what it left says what this one is.
                Ok(None) => {}
                Err(error) if error.retryable() => last = error,
                Err(error) => return Err(error),
            }
        }
        Err(last)
    }

    async fn attempt(&self, connection: &Connection) -> Result<Option<RefreshOutcome>, PortError> {
        let living = find(connection, self.session).await?.filter(|living| living.row.expires_at > self.now);
        let Some(Living { row, current }) = living else { return Ok(Some(RefreshOutcome::Unknown)) };
        let rotated = SessionRow { last_used_at: self.now, expires_at: self.expires_at, ..row.clone() };
        if current == self.next {
            // An earlier attempt whose answer was lost.
            return Ok(Some(RefreshOutcome::Rotated(rotated)));
        }
        if current == self.presented {
            let applied = self.exchange(connection, &rotated).await?;
            return Ok(applied.then_some(RefreshOutcome::Rotated(rotated)));
        }
        let key = (self.session.uuid(), self.presented);
        let token: Option<(Option<CqlTimestamp>,)> =
            connection.first(&connection.statements.replaced_token, key).await?;
        let Some(replaced_at) = token.and_then(|(at,)| at).map(timestamp) else {
            return Ok(Some(RefreshOutcome::Unknown));
        };
        if self.now.millis_since(replaced_at) < self.grace_ms {
            return Ok(Some(RefreshOutcome::Recent(row)));
        }
        end(connection, row.user, self.session).await?;
        Ok(Some(RefreshOutcome::Reused(row)))
    }

    /// The next token for the presented one, which stays known as replaced. Every column anew: all of a session's rows
    /// live as long as it.
    async fn exchange(&self, connection: &Connection, rotated: &SessionRow) -> Result<bool, PortError> {
        let (statements, id, life) = (&connection.statements, self.session.uuid(), life(self.expires_at, self.now));
        let all = vec![statements.rotate_session.clone().into(), statements.insert_replaced_token.clone().into()];
        let mut batch = Batch::new_with_statements(BatchType::Unlogged, all);
        batch.set_execution_profile_handle(Some(connection.profiles.transactions()));
        let update = (
            life,
            rotated.user.uuid(),
            set(rotated.device_name.as_deref()),
            time(rotated.created_at),
            time(rotated.last_used_at),
            time(rotated.expires_at),
            self.next,
            id,
            self.presented,
        );
        let result = connection.session.batch(&batch, (update, (id, self.presented, time(self.now), life))).await;
        connection.session_epochs.changed(&self.session);
        let result = result.map_err(|error| failure::execution(&connection.addresses, &error))?;
        Ok(Outcome::read(result)?.applied)
    }
}
