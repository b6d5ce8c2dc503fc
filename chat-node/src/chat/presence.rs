use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat_core::UserId;
use chat_ports::{Lease, PresenceChange};
use chat_wire::{PresenceState, ServerFrame, SettableState};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;

use super::access::Chat;
use crate::Failure;
use crate::live::Connection;

/// Departures that are made up for at the same time.
const DEPARTURES_AT_ONCE: usize = 64;
/// Departures remembered while the directory does not answer. One more is forgotten, and looks online until this node ends.
const MOST_DEPARTURES: usize = 100_000;

/// What the directory was not told because it did not answer.
#[derive(Default)]
pub struct Owed {
    entries: AtomicBool,
    departures: Mutex<Vec<Lease>>,
}

impl Owed {
    fn owe_entries(&self) {
        self.entries.store(true, Ordering::Release);
    }

    /// Must all be entered anew? Asked once.
    pub fn take_entries(&self) -> bool {
        self.entries.swap(false, Ordering::AcqRel)
    }

    fn owe_departure(&self, lease: Lease) {
        let mut departures = self.departures.lock();
        if departures.len() < MOST_DEPARTURES {
            departures.push(lease);
        }
    }

    fn take_departures(&self) -> Vec<Lease> {
        std::mem::take(&mut *self.departures.lock())
    }
}

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

    /// Enters a connection into the directory. When that does not answer, all are entered anew as soon as it does.
    pub async fn enter(&self, connection: &Arc<Connection>) {
        match self.backends.directory.enter(self.lease(connection)).await {
            Ok(change) => self.announce_presence(change).await,
            Err(error) => {
                self.owed.owe_entries();
                tracing::debug!(user = %connection.info.user, %error, "a connection is entered later");
            }
        }
    }

    /// The same for one that may end meanwhile: it must not stay behind in the directory.
    pub async fn enter_again(&self, connection: &Arc<Connection>) {
        self.enter(connection).await;
        if !self.delivery.connections.contains(connection) {
            self.leave_directory(self.lease(connection)).await;
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
        self.leave_directory(self.lease(connection)).await;
    }

    async fn leave_directory(&self, lease: Lease) {
        match self.backends.directory.leave(lease.clone(), self.now()).await {
            Ok(change) => self.announce_presence(change).await,
            Err(error) => {
                // This node lives on, so the entry would never lapse.
                tracing::debug!(%error, "a connection is taken out of the directory later");
                self.owed.owe_departure(lease);
            }
        }
    }

    /// Takes out what could not be taken out while the directory did not answer.
    pub async fn settle_departures(&self) {
        stream::iter(self.owed.take_departures())
            .for_each_concurrent(DEPARTURES_AT_ONCE, |lease| self.leave_directory(lease))
            .await;
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
            self.owed.owe_entries();
            tracing::warn!(%error, "presence changes come later");
        }
    }
}
