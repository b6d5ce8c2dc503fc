use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{NodeId, Timestamp, UserId};
use chat_ports::store::AccountStore as _;
use chat_ports::{
    Directory, Lease, PortError, PresenceChange, PresenceReading, Quota, RateDecision, RateLimits, Renewal,
};
use chat_wire::PresenceState;
use parking_lot::Mutex;

use crate::sqlite::SqliteStore;

#[derive(Default)]
struct People {
    nodes: Vec<NodeId>,
    leases: HashMap<UserId, Vec<Lease>>,
    watching: HashMap<UserId, HashSet<NodeId>>,
}

impl People {
    fn state(&self, user: UserId) -> PresenceState {
        match self.leases.get(&user) {
            None => PresenceState::Offline,
            Some(leases) if leases.iter().all(|lease| lease.away) => PresenceState::Away,
            Some(_) => PresenceState::Online,
        }
    }

    /// Does `act` and tells what it changed for others.
    fn change(
        &mut self,
        user: UserId,
        last_seen: Option<Timestamp>,
        act: impl FnOnce(&mut Self),
    ) -> Option<PresenceChange> {
        let before = self.state(user);
        act(self);
        let state = self.state(user);
        (state != before).then(|| PresenceChange {
            reading: PresenceReading { user, state, last_seen: last_seen.filter(|_| state == PresenceState::Offline) },
            watching: self.watching.get(&user).map(|nodes| nodes.iter().cloned().collect()).unwrap_or_default(),
        })
    }
}

/// The directory of a node that is alone: entries live as long as the process.
pub struct MemoryDirectory {
    people: Mutex<People>,
    rates: Mutex<RateLimits>,
    store: Arc<SqliteStore>,
}

impl MemoryDirectory {
    pub fn new(store: Arc<SqliteStore>) -> Self {
        Self { people: Mutex::default(), rates: Mutex::default(), store }
    }
}

#[async_trait]
impl Directory for MemoryDirectory {
    async fn enter(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError> {
        let user = lease.user;
        Ok(self.people.lock().change(user, None, |people| {
            let leases = people.leases.entry(user).or_default();
            leases.retain(|other| other.connection != lease.connection);
            leases.push(lease);
        }))
    }

    async fn update(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError> {
        let user = lease.user;
        Ok(self.people.lock().change(user, None, |people| {
            let leases = people.leases.get_mut(&user).into_iter().flatten();
            for known in leases.filter(|known| known.connection == lease.connection) {
                known.away = lease.away;
            }
        }))
    }

    async fn leave(&self, lease: Lease, at: Timestamp) -> Result<Option<PresenceChange>, PortError> {
        let user = lease.user;
        let change = self.people.lock().change(user, Some(at), |people| {
            if let Some(leases) = people.leases.get_mut(&user) {
                leases.retain(|other| other.connection != lease.connection);
                if leases.is_empty() {
                    people.leases.remove(&user);
                }
            }
        });
        if change.as_ref().is_some_and(|change| change.reading.state == PresenceState::Offline) {
            self.store.set_last_seen(user, at).await?;
        }
        Ok(change)
    }

    async fn renew(&self, node: &NodeId) -> Result<Renewal, PortError> {
        let mut people = self.people.lock();
        if people.nodes.contains(node) {
            return Ok(Renewal::Kept);
        }
        people.nodes.push(node.clone());
        Ok(Renewal::Forgotten)
    }

    async fn retire(&self, node: &NodeId) -> Result<(), PortError> {
        let mut people = self.people.lock();
        people.nodes.retain(|known| known != node);
        for leases in people.leases.values_mut() {
            leases.retain(|lease| lease.node != *node);
        }
        people.leases.retain(|_, leases| !leases.is_empty());
        Ok(())
    }

    async fn leases(&self) -> Result<Vec<String>, PortError> {
        Ok(self.people.lock().nodes.iter().map(ToString::to_string).collect())
    }

    async fn whereabouts(&self, user: UserId) -> Result<(Vec<NodeId>, usize), PortError> {
        let people = self.people.lock();
        let leases = people.leases.get(&user).map(Vec::as_slice).unwrap_or_default();
        let mut nodes: Vec<NodeId> = Vec::new();
        for lease in leases {
            if !nodes.contains(&lease.node) {
                nodes.push(lease.node.clone());
            }
        }
        Ok((nodes, leases.len()))
    }

    async fn presence(&self, users: &[UserId]) -> Result<Vec<PresenceReading>, PortError> {
        let mut readings: Vec<PresenceReading> = {
            let people = self.people.lock();
            users
                .iter()
                .map(|user| PresenceReading { user: *user, state: people.state(*user), last_seen: None })
                .collect()
        };
        for row in self.store.users(users).await? {
            for reading in readings.iter_mut().filter(|r| r.user == row.id && r.state == PresenceState::Offline) {
                reading.last_seen = row.last_seen;
            }
        }
        Ok(readings)
    }

    async fn watch(&self, node: &NodeId, add: &[UserId], remove: &[UserId]) -> Result<(), PortError> {
        let mut people = self.people.lock();
        for user in remove {
            if let Some(nodes) = people.watching.get_mut(user) {
                nodes.remove(node);
                if nodes.is_empty() {
                    people.watching.remove(user);
                }
            }
        }
        for user in add {
            people.watching.entry(*user).or_default().insert(node.clone());
        }
        Ok(())
    }

    async fn take(&self, key: &str, quota: Quota, now: Timestamp) -> Result<RateDecision, PortError> {
        Ok(self.rates.lock().take(key, quota, now))
    }
}
