use async_trait::async_trait;
use chat_core::{DisplayName, FileId, SessionId, Timestamp, UserId, Username};

use crate::PortError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRow {
    pub id: UserId,
    pub username: Username,
    pub display_name: String,
    pub avatar: Option<FileId>,
    pub status_text: Option<String>,
    pub last_seen_visible: bool,
    pub last_seen: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// An account to be made. Without a password hash nobody can log in to it (imported speakers).
#[derive(Debug, Clone)]
pub struct NewUser {
    pub id: UserId,
    pub username: Username,
    pub display_name: String,
    /// PHC string.
    pub password_hash: Option<String>,
    pub at: Timestamp,
}

/// The PHC string of an account's password.
#[derive(Clone)]
pub struct Credentials {
    pub user: UserId,
    pub password_hash: Option<String>,
}

/// Present fields replace; an inner `None` clears.
#[derive(Debug, Clone, Default)]
#[allow(clippy::option_option)]
pub struct ProfileChange {
    pub display_name: Option<DisplayName>,
    pub avatar: Option<Option<FileId>>,
    pub status_text: Option<Option<String>>,
    pub last_seen_visible: Option<bool>,
}

/// A login and its refresh-token family. Only the token's hash is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: SessionId,
    pub user: UserId,
    pub device_name: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What became of a refresh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshOutcome {
    Rotated(SessionRow),
    /// The token was current until less than the grace ago: the answer that carried its successor may have been lost,
    /// or two tabs asked at once. The caller gets a new access token, and the cookie stays.
    Recent(SessionRow),
    /// An old token came again: the family is revoked now.
    Reused(SessionRow),
    /// No such session, revoked or over.
    Unknown,
}

#[async_trait]
pub trait AccountStore: Send + Sync {
    /// False when the username is taken; decided atomically.
    async fn create_user(&self, user: NewUser) -> Result<bool, PortError>;
    async fn user(&self, id: UserId) -> Result<Option<UserRow>, PortError>;
    /// In any order; unknown ids are left out.
    async fn users(&self, ids: &[UserId]) -> Result<Vec<UserRow>, PortError>;
    async fn user_by_name(&self, name: &Username) -> Result<Option<UserRow>, PortError>;
    /// Username or a word of the display name begins with `prefix` (case-insensitive); by username, after `after`.
    async fn search_users(
        &self,
        prefix: &str,
        after: Option<&Username>,
        limit: usize,
    ) -> Result<Vec<UserRow>, PortError>;
    /// False when there is no such user.
    async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<bool, PortError>;
    /// Only grows.
    async fn set_last_seen(&self, id: UserId, at: Timestamp) -> Result<(), PortError>;

    async fn credentials(&self, name: &Username) -> Result<Option<Credentials>, PortError>;
    async fn credentials_of(&self, id: UserId) -> Result<Option<Credentials>, PortError>;
    async fn set_password(&self, id: UserId, hash: String) -> Result<(), PortError>;

    async fn create_session(&self, session: SessionRow, refresh_hash: [u8; 32]) -> Result<(), PortError>;
    /// Exchanges the current refresh token's hash for the next one, atomically. An older hash of the family revokes it,
    /// unless it was replaced less than `grace_ms` ago.
    async fn rotate_session(
        &self,
        id: SessionId,
        presented: [u8; 32],
        next: [u8; 32],
        now: Timestamp,
        expires_at: Timestamp,
        grace_ms: u64,
    ) -> Result<RefreshOutcome, PortError>;
    /// `None` when it was ended. What another process ended in the last seconds may still come.
    async fn session(&self, id: SessionId) -> Result<Option<SessionRow>, PortError>;
    /// The same as it is now: whatever any process ended before this call is gone. Costs a read each time.
    async fn session_now(&self, id: SessionId) -> Result<Option<SessionRow>, PortError>;
    /// Live sessions only, newest first.
    async fn sessions(&self, user: UserId) -> Result<Vec<SessionRow>, PortError>;
    /// False when it was not there (or another user's).
    async fn revoke_session(&self, user: UserId, id: SessionId) -> Result<bool, PortError>;
    /// Ends every session of the user but `keep`.
    async fn revoke_sessions(&self, user: UserId, keep: Option<SessionId>) -> Result<(), PortError>;

    async fn set_block(&self, user: UserId, other: UserId, blocked: bool) -> Result<(), PortError>;
    async fn blocks(&self, user: UserId) -> Result<Vec<UserId>, PortError>;
    /// Does either of the two block the other?
    async fn blocked_between(&self, a: UserId, b: UserId) -> Result<bool, PortError>;
}
