use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use chat_core::UserId;
use parking_lot::Mutex;

use super::connection::Connection;

/// Which connections of this node watch whose presence.
#[derive(Default)]
pub struct Watchers {
    by_target: Mutex<HashMap<UserId, Vec<Arc<Connection>>>>,
}

/// What this node began and ceased to be interested in.
#[derive(Debug, Default)]
pub struct InterestChange {
    pub add: Vec<UserId>,
    pub remove: Vec<UserId>,
}

impl Watchers {
    /// Replaces the list of a connection.
    pub fn replace(&self, connection: &Arc<Connection>, targets: Vec<UserId>) -> InterestChange {
        let mut change = InterestChange::default();
        let mut by_target = self.by_target.lock();
        let old = std::mem::replace(&mut *connection.watching.lock(), targets.clone());
        for target in old {
            if let Some(list) = by_target.get_mut(&target) {
                list.retain(|other| !Arc::ptr_eq(other, connection));
                if list.is_empty() {
                    by_target.remove(&target);
                    change.remove.push(target);
                }
            }
        }
        for target in targets {
            let list = by_target.entry(target).or_default();
            if list.is_empty() {
                change.add.push(target);
            }
            if !list.iter().any(|other| Arc::ptr_eq(other, connection)) {
                list.push(Arc::clone(connection));
            }
        }
        change
    }

    /// Everybody who is watched here.
    pub fn targets(&self) -> Vec<UserId> {
        self.by_target.lock().keys().copied().collect()
    }

    pub fn tell(&self, target: UserId, frame: &Bytes) {
        let watching = self.by_target.lock().get(&target).cloned().unwrap_or_default();
        for connection in watching {
            connection.push(frame.clone());
        }
    }
}
