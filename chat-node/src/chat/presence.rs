use std::sync::Arc;
use std::sync::atomic::Ordering;

use chat_core::UserId;
use chat_ports::{Lease, PresenceChange};
use chat_wire::{PresenceState, ServerFrame, SettableState};

use super::access::Chat;
use crate::Failure;
use crate::live::Connection;

/// How many users one connection may watch.
pub const MAX_WATCHED: usize = 200;

impl Chat {
    fn lease(&self, connection: &Connection) -> Lease {
        Lease {
            user: connection.info.user,
            node: self.delivery.node.clone(),
            connection: connection.info.id,
            away: connection.away.load(Ordering::Relaxed),
        }
    }

    /// Enters a connection into the directory. When that does not answer the node's lease finds out, and enters all anew.
    pub async fn enter(&self, connection: &Connection) {
        match self.backends.directory.enter(self.lease(connection)).await {
            Ok(change) => self.announce_presence(change).await,
            Err(error) => tracing::debug!(user = %connection.info.user, %error, "a connection is entered later"),
        }
    }

    pub async fn set_away(&self, connection: &Connection, state: SettableState) -> Result<(), Failure> {
        connection.away.store(state == SettableState::Away, Ordering::Relaxed);
        let change = self.backends.directory.update(self.lease(connection)).await?;
        self.announce_presence(change).await;
        Ok(())
    }

    pub async fn depart(&self, connection: &Arc<Connection>) {
        self.watch(connection, Vec::new()).await;
        match self.backends.directory.leave(self.lease(connection), self.now()).await {
            Ok(change) => self.announce_presence(change).await,
            Err(error) => tracing::debug!(%error, "a connection's entry lapses by itself"),
        }
    }

    async fn announce_presence(&self, change: Option<PresenceChange>) {
        let Some(change) = change else { return };
        let visible = self.last_seen_visible(change.reading.user).await;
        self.delivery.presence(change, visible).await;
    }

    async fn last_seen_visible(&self, user: UserId) -> bool {
        matches!(self.backends.store.user(user).await, Ok(Some(row)) if row.last_seen_visible)
    }

    /// Replaces what the connection watches and sends what is known now.
    pub async fn presence_watch(&self, connection: &Arc<Connection>, mut users: Vec<UserId>) -> Result<(), Failure> {
        if users.len() > MAX_WATCHED {
            return Err(Failure::invalid("users", format!("has {}, at most {MAX_WATCHED} are allowed", users.len())));
        }
        users.sort_unstable();
        users.dedup();
        self.watch(connection, users.clone()).await;
        let profiles = self.backends.store.users(&users).await?;
        for reading in self.backends.directory.presence(&users).await? {
            let Some(profile) = profiles.iter().find(|row| row.id == reading.user) else { continue };
            let last_seen = reading.last_seen.or(profile.last_seen);
            let offline = reading.state == PresenceState::Offline;
            connection.send(&ServerFrame::Presence {
                user: reading.user,
                state: reading.state,
                last_seen: last_seen.filter(|_| offline && profile.last_seen_visible),
            });
        }
        Ok(())
    }

    async fn watch(&self, connection: &Arc<Connection>, users: Vec<UserId>) {
        let change = self.delivery.watchers.replace(connection, users);
        if change.add.is_empty() && change.remove.is_empty() {
            return;
        }
        if let Err(error) = self.backends.directory.watch(&self.delivery.node, &change.add, &change.remove).await {
            tracing::warn!(%error, "presence changes may be missed");
        }
    }
}
