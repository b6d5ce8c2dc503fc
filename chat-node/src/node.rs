//! Everything a request handler needs, assembled once by `app`.

use std::sync::Arc;

use chat_core::{NodeId, Timestamp};
use chat_ports::{ChatStore, Clock, Directory, LiveTail, MessageLog};
use object_store::ObjectStore;

use crate::config::Config;

/// The systems behind this node, chosen by the configuration.
#[derive(Clone)]
pub struct Backends {
    pub log: Arc<dyn MessageLog>,
    pub tail: Arc<dyn LiveTail>,
    pub store: Arc<dyn ChatStore>,
    pub directory: Arc<dyn Directory>,
    pub blobs: Arc<dyn ObjectStore>,
    pub clock: Arc<dyn Clock>,
}

/// The state that handlers share.
pub struct Node {
    pub id: NodeId,
    pub config: Config,
    pub backends: Backends,
}

impl Node {
    pub fn now(&self) -> Timestamp {
        self.backends.clock.now()
    }
}

/// The system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
