use async_trait::async_trait;
use chat_core::{FileId, SessionId, Timestamp, UserId, Username};
use chat_ports::PortError;
use chat_ports::store::{AccountStore, Credentials, NewUser, ProfileChange, RefreshOutcome, SessionRow, UserRow};
use futures_util::future::{try_join, try_join3};
use futures_util::{StreamExt as _, TryStreamExt as _};
use scylla::DeserializeRow;
use scylla::value::CqlTimestamp;
use uuid::Uuid;

use crate::CassandraStore;
use crate::connection::Connection;
use crate::failure::corrupt;
use crate::search::{self, Words};
use crate::sessions::{self, Rotation};
use crate::value::{have, set, time, timestamp};

/// Reads on their way at once for one call.
const READS: usize = 32;

#[derive(DeserializeRow)]
struct Stored {
    user_id: Uuid,
    username: Option<String>,
    display_name: Option<String>,
    avatar: Option<Uuid>,
    status_text: Option<String>,
    last_seen_visible: Option<bool>,
    last_seen: Option<CqlTimestamp>,
    created_at: Option<CqlTimestamp>,
}

impl Stored {
    /// `None` for a row that has nothing but when somebody was last seen.
    fn row(self) -> Result<Option<UserRow>, PortError> {
        let Some(username) = self.username else { return Ok(None) };
        Ok(Some(UserRow {
            id: UserId::new(self.user_id),
            username: Username::try_from(username).map_err(corrupt)?,
            display_name: have(self.display_name, "display_name")?,
            // Values for "none", since a null would be a tombstone.
            avatar: self.avatar.filter(|id| !id.is_nil()).map(FileId::new),
            status_text: self.status_text.filter(|text| !text.is_empty()),
            last_seen_visible: self.last_seen_visible.unwrap_or(true),
            last_seen: self.last_seen.map(timestamp),
            created_at: timestamp(have(self.created_at, "created_at")?),
        }))
    }
}

pub async fn user(connection: &Connection, id: UserId) -> Result<Option<UserRow>, PortError> {
    let stored: Option<Stored> = connection.first(&connection.statements.user, (id.uuid(),)).await?;
    stored.map(Stored::row).transpose().map(Option::flatten)
}

pub async fn users(connection: &Connection, ids: Vec<UserId>) -> Result<Vec<UserRow>, PortError> {
    let rows = futures_util::stream::iter(ids).map(async |id| user(connection, id).await).buffer_unordered(READS);
    rows.try_filter_map(async |row| Ok(row)).try_collect().await
}

/// Whose a username is.
pub async fn id_of(connection: &Connection, name: &str) -> Result<Option<UserId>, PortError> {
    let row: Option<(Option<Uuid>,)> = connection.first(&connection.statements.user_of_name, (name,)).await?;
    Ok(row.and_then(|(id,)| id).map(UserId::new))
}

/// The row, the password and the words are written first, and the name decides: whoever finds an account by its name
/// finds it whole. When it is somebody else's, what was written goes.
async fn create(connection: &Connection, new: &NewUser) -> Result<bool, PortError> {
    let (statements, id) = (&connection.statements, new.id.uuid());
    let name = new.username.as_str();
    if id_of(connection, name).await?.is_some_and(|owner| owner != new.id) {
        return Ok(false);
    }
    let row = connection.write(&statements.insert_user, (id, name, &new.display_name, time(new.at)));
    let password = async {
        match &new.password_hash {
            Some(hash) => connection.write(&statements.set_password, (hash, id)).await,
            None => Ok(()),
        }
    };
    let words = Words::of(name, &new.display_name);
    try_join3(row, password, search::add(connection, &words, name, new.id)).await?;
    let outcome = connection.settle(&statements.reserve_name, (name, id)).await?;
    if outcome.applied || outcome.id("user_id") == Some(id) {
        return Ok(true);
    }
    let row = connection.write(&statements.drop_user, (id,));
    let password = connection.write(&statements.drop_password, (id,));
    try_join3(row, password, search::remove(connection, &words, name, new.id)).await?;
    Ok(false)
}

async fn change(connection: &Connection, id: UserId, change: ProfileChange) -> Result<bool, PortError> {
    let Some(row) = user(connection, id).await? else { return Ok(false) };
    let ProfileChange { display_name, avatar, status_text, last_seen_visible } = change;
    let name = row.username.as_str();
    let old = Words::of(name, &row.display_name);
    let new = display_name.as_ref().map(|display_name| Words::of(name, display_name.as_str()));
    if let Some(new) = &new {
        // Before the name: nobody is lost in between.
        search::add(connection, &new.without(&old), name, id).await?;
    }
    let values = (
        set(display_name.as_ref().map(|name| name.as_str().to_owned())),
        set(avatar.map(|avatar| avatar.map_or(Uuid::nil(), FileId::uuid))),
        set(status_text.map(Option::unwrap_or_default)),
        set(last_seen_visible),
        id.uuid(),
    );
    connection.write(&connection.statements.change_user, values).await?;
    if let Some(new) = &new {
        search::remove(connection, &old.without(new), name, id).await?;
    }
    Ok(true)
}

async fn credentials_of(connection: &Connection, id: UserId) -> Result<Option<Credentials>, PortError> {
    let password = connection.first::<(Option<String>,)>(&connection.statements.password, (id.uuid(),));
    let (user, password) = try_join(user(connection, id), password).await?;
    Ok(user.map(|user| Credentials { user: user.id, password_hash: password.and_then(|(hash,)| hash) }))
}

#[async_trait]
impl AccountStore for CassandraStore {
    async fn create_user(&self, new: NewUser) -> Result<bool, PortError> {
        create(&*self.connection()?, &new).await
    }

    async fn user(&self, id: UserId) -> Result<Option<UserRow>, PortError> {
        user(&*self.connection()?, id).await
    }

    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRow>, PortError> {
        users(&*self.connection()?, ids.to_vec()).await
    }

    async fn user_by_name(&self, name: &Username) -> Result<Option<UserRow>, PortError> {
        let connection = self.connection()?;
        match id_of(&connection, name.as_str()).await? {
            Some(id) => user(&connection, id).await,
            None => Ok(None),
        }
    }

    async fn search_users(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<UserRow>, PortError> {
        search::search(&*self.connection()?, prefix, after, limit).await
    }

    async fn change_profile(&self, id: UserId, profile: ProfileChange) -> Result<bool, PortError> {
        change(&*self.connection()?, id, profile).await
    }

    async fn set_last_seen(&self, id: UserId, at: Timestamp) -> Result<(), PortError> {
        let connection = self.connection()?;
        // In microseconds, as Cassandra's own timestamps: the latest wins, in any order of writes.
        let values = (at.millis().saturating_mul(1_000), time(at), id.uuid());
        connection.write(&connection.statements.set_last_seen, values).await
    }

    async fn credentials(&self, name: &Username) -> Result<Option<Credentials>, PortError> {
        let connection = self.connection()?;
        match id_of(&connection, name.as_str()).await? {
            Some(id) => credentials_of(&connection, id).await,
            None => Ok(None),
        }
    }

    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, PortError> {
        credentials_of(&*self.connection()?, id).await
    }

    async fn set_password(&self, id: UserId, hash: String) -> Result<(), PortError> {
        let connection = self.connection()?;
        connection.write(&connection.statements.set_password, (hash, id.uuid())).await
    }

    async fn create_session(&self, session: SessionRow, refresh_hash: [u8; 32]) -> Result<(), PortError> {
        sessions::create(&*self.connection()?, &session, refresh_hash).await
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
        rotation.run(&*self.connection()?).await
    }

    async fn session(&self, id: SessionId) -> Result<Option<SessionRow>, PortError> {
        sessions::cached(&*self.connection()?, id).await
    }

    async fn session_now(&self, id: SessionId) -> Result<Option<SessionRow>, PortError> {
        sessions::fresh(&*self.connection()?, id).await
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<SessionRow>, PortError> {
        sessions::of_user(&*self.connection()?, user).await
    }

    async fn revoke_session(&self, user: UserId, id: SessionId) -> Result<bool, PortError> {
        sessions::end(&*self.connection()?, user, id).await
    }

    async fn revoke_sessions(&self, user: UserId, keep: Option<SessionId>) -> Result<(), PortError> {
        sessions::end_all(&*self.connection()?, user, keep).await
    }

    async fn set_block(&self, user: UserId, other: UserId, blocked: bool) -> Result<(), PortError> {
        let connection = self.connection()?;
        let statements = &connection.statements;
        let statement = if blocked { &statements.insert_block } else { &statements.drop_block };
        connection.write(statement, (user.uuid(), other.uuid())).await
    }

    async fn blocks(&self, user: UserId) -> Result<Vec<UserId>, PortError> {
        let connection = self.connection()?;
        let rows: Vec<(Uuid,)> = connection.all(&connection.statements.blocks, (user.uuid(),)).await?;
        Ok(rows.into_iter().map(|(id,)| UserId::new(id)).collect())
    }

    async fn blocked_between(&self, a: UserId, b: UserId) -> Result<bool, PortError> {
        let connection = self.connection()?;
        let statement = &connection.statements.block;
        let one = connection.first::<(Uuid,)>(statement, (a.uuid(), b.uuid()));
        let other = connection.first::<(Uuid,)>(statement, (b.uuid(), a.uuid()));
        let (one, other) = try_join(one, other).await?;
        Ok(one.is_some() || other.is_some())
    }
}
