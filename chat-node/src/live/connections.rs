use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chat_core::UserId;
use parking_lot::RwLock;

use super::connection::Connection;

/// The connections of this node, by user.
#[derive(Default)]
pub struct Connections {
    by_user: RwLock<HashMap<UserId, Vec<Arc<Connection>>>>,
    count: AtomicUsize,
}

impl Connections {
    /// Enters a connection; the one it replaces (same user and device), if any, comes back.
    pub fn add(&self, connection: &Arc<Connection>) -> Option<Arc<Connection>> {
        let mut by_user = self.by_user.write();
        let list = by_user.entry(connection.info.user).or_default();
        let old = list.iter().position(|other| other.info.device == connection.info.device);
        let replaced = old.map(|at| list.swap_remove(at));
        list.push(Arc::clone(connection));
        list.shrink_to_fit();
        if replaced.is_none() {
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        replaced
    }

    pub fn remove(&self, connection: &Arc<Connection>) {
        let mut by_user = self.by_user.write();
        let Some(list) = by_user.get_mut(&connection.info.user) else { return };
        if let Some(at) = list.iter().position(|other| Arc::ptr_eq(other, connection)) {
            list.swap_remove(at);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
        if list.is_empty() {
            by_user.remove(&connection.info.user);
        }
    }

    pub fn of(&self, user: UserId) -> Vec<Arc<Connection>> {
        self.by_user.read().get(&user).cloned().unwrap_or_default()
    }

    /// Is it still entered?
    pub fn contains(&self, connection: &Arc<Connection>) -> bool {
        let by_user = self.by_user.read();
        by_user.get(&connection.info.user).is_some_and(|list| list.iter().any(|other| Arc::ptr_eq(other, connection)))
    }

    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    pub fn all(&self) -> Vec<Arc<Connection>> {
        self.by_user.read().values().flatten().cloned().collect()
    }
}
