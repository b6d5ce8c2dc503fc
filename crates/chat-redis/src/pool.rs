//! The links to all servers in use.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Address;
use crate::connect::Connector;
use crate::link::Link;

/// Links by address, made when they are needed first.
pub(crate) struct Pool {
    connector: Arc<Connector>,
    links: Mutex<HashMap<(Address, u8), Arc<Link>>>,
    tasks: TaskTracker,
    token: CancellationToken,
    /// A server has another history now, or another server has some slot: what was written last may be lost.
    disturbed: Arc<AtomicBool>,
}

impl Pool {
    pub(crate) fn new(connector: Arc<Connector>, tasks: TaskTracker, token: CancellationToken) -> Self {
        Self { connector, links: Mutex::default(), tasks, token, disturbed: Arc::default() }
    }

    pub(crate) fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// The `index`th link to a server.
    pub(crate) fn link(&self, address: &Address, index: u8) -> Arc<Link> {
        let mut links = self.links.lock();
        let key = (address.clone(), index);
        let open =
            || Link::open(&self.connector, address.clone(), &self.disturbed, &self.tasks, self.token.child_token());
        Arc::clone(links.entry(key).or_insert_with(|| Arc::new(open())))
    }

    pub(crate) fn disturb(&self) {
        self.disturbed.store(true, Ordering::Release);
    }

    /// Was there such a change since this was asked last?
    pub(crate) fn take_disturbed(&self) -> bool {
        self.disturbed.swap(false, Ordering::AcqRel)
    }

    /// Closes the links to servers that are no longer in use.
    pub(crate) fn keep_only(&self, used: impl Fn(&Address) -> bool) {
        self.links.lock().retain(|(address, _), link| {
            let keep = used(address);
            if !keep {
                link.close();
            }
            keep
        });
    }
}
