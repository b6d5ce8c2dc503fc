//! Accounts and sessions: registering, logging in, staying in, and being thrown out.

mod cookie;
mod key;
mod passwords;
mod refresh;
mod throttle;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use chat_core::{DisplayName, Password, SessionId, Timestamp, UserId, Username};
use chat_ports::PortError;
use chat_ports::store::{NewUser, RefreshOutcome, SessionRow, UserRow};
use chat_wire::rest::{LoginSession, Me, Register, SignedIn};
use chat_wire::{ErrorCode, rest};
use uuid::Uuid;

pub use cookie::{clear_cookie, read_cookie, set_cookie};
pub use key::{load_key, load_or_create_key};
pub use passwords::hash_password;
pub use refresh::RefreshToken;
use refresh::Succession;
pub use throttle::client_address;
pub use tokens::{ACCESS_SECONDS, AccessTokens, Caller};

use crate::config::{Config, Limits};
use crate::live::Delivery;
use crate::{Backends, Failure};
use passwords::Passwords;

/// A session that is not used for this long ends: 30 days.
const SESSION_MS: i64 = 30 * 24 * 3600 * 1000;
/// How long the refresh token before the current one is still taken, in milliseconds: its answer may have been lost.
const REFRESH_GRACE_MS: u64 = 30_000;

/// Sessions remembered for when the store does not answer.
const REMEMBERED: u64 = 50_000;

/// The accounts' service.
pub struct Auth {
    backends: Backends,
    limits: Limits,
    tokens: AccessTokens,
    succession: Succession,
    passwords: Passwords,
    delivery: Arc<Delivery>,
    alive: moka::future::Cache<SessionId, UserId>,
}

/// A fresh login or refresh.
pub struct Signed {
    pub body: SignedIn,
    pub refresh: RefreshToken,
}

impl Auth {
    pub fn new(config: &Config, backends: &Backends, signing_key: [u8; 32], delivery: Arc<Delivery>) -> Self {
        Self {
            backends: backends.clone(),
            limits: config.limits.clone(),
            tokens: AccessTokens::new(&signing_key),
            succession: Succession::new(&signing_key),
            passwords: Passwords::new(),
            delivery,
            alive: moka::future::Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(Duration::from_secs(ACCESS_SECONDS))
                .support_invalidation_closures()
                .build(),
        }
    }

    fn now(&self) -> Timestamp {
        self.backends.clock.now()
    }

    /// Who holds this access token. Ended sessions are refused although their tokens have time left; while the store does
    /// not answer, a session that was alive when last asked is.
    pub async fn authenticate(&self, token: &str) -> Result<Caller, Failure> {
        let caller = self.tokens.verify(token, self.now())?;
        let ended = || Failure::new(ErrorCode::Unauthenticated, "the session was ended");
        match self.backends.store.session(caller.session).await {
            Ok(Some(session)) if session.user == caller.user => {
                self.alive.insert(caller.session, caller.user).await;
                Ok(caller)
            }
            Ok(_) => {
                self.alive.invalidate(&caller.session).await;
                Err(ended())
            }
            Err(error) if error.retryable() && self.alive.get(&caller.session).await == Some(caller.user) => Ok(caller),
            Err(error) => Err(error.into()),
        }
    }

    /// Has this session ended, whoever ended it? Asked again after somebody came in, since only those who are in the
    /// directory hear of an end, and hints are lost.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn has_ended(&self, user: UserId, session: SessionId) -> Result<bool, PortError> {
        let alive = self.backends.store.session_now(session).await?.is_some_and(|row| row.user == user);
        if !alive {
            self.forget(user, Some(session)).await;
        }
        Ok(!alive)
    }

    /// A session, or all of the user's, ended here or on another node.
    pub async fn forget(&self, user: UserId, session: Option<SessionId>) {
        if let Some(session) = session {
            self.alive.invalidate(&session).await;
        } else if let Err(error) = self.alive.invalidate_entries_if(move |_, owner| *owner == user) {
            tracing::error!(%error, "sessions that ended may count while the store does not answer");
        }
    }

    pub async fn register(&self, request: Register) -> Result<Signed, Failure> {
        let Register { username, password, display_name, device_name } = request;
        let hash = self.passwords.hash(password).await?;
        let user = NewUser {
            id: UserId::new(Uuid::now_v7()),
            display_name: display_name.map_or_else(|| username.to_string(), String::from),
            username,
            password_hash: Some(hash),
            at: self.now(),
        };
        let id = user.id;
        if !self.backends.store.create_user(user).await? {
            return Err(Failure::new(ErrorCode::UsernameTaken, "this username is taken"));
        }
        tracing::info!(target: "audit", user = %id, "registered");
        self.open_session(id, device_name).await
    }

    /// The same answer, after the same work, for an unknown name and a wrong password.
    pub async fn login(&self, request: rest::Login) -> Result<Signed, Failure> {
        let wrong = || Failure::new(ErrorCode::Unauthenticated, "wrong username or password");
        let name = Username::try_from(request.username).ok();
        if let Some(name) = &name {
            throttle::check_account(&self.backends, name).await?;
        }
        let credentials = match &name {
            Some(name) => self.backends.store.credentials(name).await?,
            None => None,
        };
        let known = credentials.as_ref().and_then(|credentials| credentials.password_hash.clone());
        let right = self.passwords.verify(request.password, known).await?;
        match credentials {
            Some(credentials) if right => {
                tracing::info!(target: "audit", user = %credentials.user, "logged in");
                self.open_session(credentials.user, request.device_name).await
            }
            other => {
                tracing::info!(target: "audit", user = ?other.map(|c| c.user), "a login failed");
                Err(wrong())
            }
        }
    }

    async fn open_session(&self, user: UserId, device_name: Option<DisplayName>) -> Result<Signed, Failure> {
        let now = self.now();
        let id = SessionId::new(Uuid::now_v7());
        let refresh = RefreshToken::new(id);
        let session = SessionRow {
            id,
            user,
            device_name: device_name.map(String::from),
            created_at: now,
            last_used_at: now,
            expires_at: now.plus_millis(SESSION_MS),
        };
        self.backends.store.create_session(session, refresh.hash()).await?;
        Ok(Signed { body: self.signed_in(user, id).await?, refresh })
    }

    async fn signed_in(&self, user: UserId, session: SessionId) -> Result<SignedIn, Failure> {
        let row = self.backends.store.user(user).await?;
        let row = row.ok_or_else(|| Failure::new(ErrorCode::Unauthenticated, "the account is gone"))?;
        let access_token = self.tokens.issue(user, session, self.now())?;
        Ok(SignedIn { user: me(row), access_token, expires_in: ACCESS_SECONDS })
    }

    /// Exchanges a refresh token. An old one that comes again was stolen, or its owner's was: the whole family ends.
    pub async fn refresh(&self, presented: &RefreshToken) -> Result<Signed, Failure> {
        let next = self.succession.after(presented);
        let now = self.now();
        let expires = now.plus_millis(SESSION_MS);
        let store = &self.backends.store;
        let (id, old, new) = (presented.session, presented.hash(), next.hash());
        match store.rotate_session(id, old, new, now, expires, REFRESH_GRACE_MS).await? {
            RefreshOutcome::Rotated(row) | RefreshOutcome::Recent(row) => {
                Ok(Signed { body: self.signed_in(row.user, row.id).await?, refresh: next })
            }
            RefreshOutcome::Reused(row) => {
                tracing::warn!(target: "audit", user = %row.user, session = %row.id, "an old refresh token came again: the session was ended");
                self.cut(row.user, Some(row.id), None).await;
                Err(Failure::new(ErrorCode::Unauthenticated, "the session was ended"))
            }
            RefreshOutcome::Unknown => Err(Failure::new(ErrorCode::Unauthenticated, "the session is over")),
        }
    }

    pub async fn logout(&self, user: UserId, session: SessionId) -> Result<(), Failure> {
        self.revoke(user, session).await.map(drop)
    }

    pub async fn sessions(&self, caller: &Caller) -> Result<Vec<LoginSession>, Failure> {
        let rows = self.backends.store.sessions(caller.user).await?;
        let now = self.now();
        let view = |row: SessionRow| LoginSession {
            id: row.id,
            device_name: row.device_name,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            current: row.id == caller.session,
        };
        Ok(rows.into_iter().filter(|row| row.expires_at > now).map(view).collect())
    }

    /// False when the user has no such session.
    pub async fn revoke(&self, user: UserId, session: SessionId) -> Result<bool, Failure> {
        let ended = self.backends.store.revoke_session(user, session).await?;
        if ended {
            tracing::info!(target: "audit", %user, %session, "a session was ended");
            self.cut(user, Some(session), None).await;
        }
        Ok(ended)
    }

    pub async fn change_password(&self, caller: &Caller, current: String, new: Password) -> Result<(), Failure> {
        let known = self.backends.store.credentials_of(caller.user).await?.and_then(|c| c.password_hash);
        if !self.passwords.verify(current, known).await? {
            return Err(Failure::invalid("current_password", "is not right"));
        }
        let hash = self.passwords.hash(new).await?;
        self.backends.store.set_password(caller.user, hash).await?;
        self.backends.store.revoke_sessions(caller.user, Some(caller.session)).await?;
        tracing::info!(target: "audit", user = %caller.user, "the password was changed");
        self.cut(caller.user, None, Some(caller.session)).await;
        Ok(())
    }

    /// Ends live connections, on every node of the user.
    async fn cut(&self, user: UserId, session: Option<SessionId>, keep: Option<SessionId>) {
        self.forget(user, session).await;
        let nodes = self.backends.directory.whereabouts(user).await.map(|(nodes, _)| nodes).unwrap_or_default();
        self.delivery.revoke(user, &nodes, session, keep).await;
    }

    /// One registration or login from an address.
    pub async fn take_attempt(&self, address: std::net::IpAddr) -> Result<(), Failure> {
        throttle::check_address(&self.backends, self.limits.auth_per_address, address).await
    }
}

/// One's own account as its owner sees it.
pub fn me(row: UserRow) -> Me {
    Me {
        id: row.id,
        username: row.username,
        display_name: row.display_name,
        avatar: row.avatar,
        status_text: row.status_text,
        last_seen_visible: row.last_seen_visible,
        created_at: row.created_at,
    }
}
