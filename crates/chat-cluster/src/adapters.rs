//! The adapters that the flags ask for.

use std::sync::Arc;
use std::time::Duration;

use chat_ports::{ChatStore, Directory, LiveTail, MessageLog, PortError};

use crate::ClusterArgs;

/// A check that takes longer has failed.
const CHECK_DEADLINE: Duration = Duration::from_secs(3);

/// Connections to Redis, Kafka and Cassandra. They are made in the background: an adapter whose system is away answers
/// "unavailable" until it is back.
pub struct Adapters {
    pub log: Arc<dyn MessageLog>,
    pub tail: Arc<dyn LiveTail>,
    pub store: Arc<dyn ChatStore>,
    pub directory: Arc<dyn Directory>,
}

impl Adapters {
    /// `client` names this process to the systems.
    ///
    /// # Errors
    /// An address or a file can't be used as it is.
    pub fn open(_args: &ClusterArgs, _client: &str) -> Result<Self, OpenError> {
        Err(OpenError("the adapters are not merged".to_owned()))
    }

    /// The secret of this name that all processes of the cluster share: `candidate`, for whoever asks first.
    pub async fn shared_secret(&self, _name: &str, candidate: [u8; 32]) -> Result<[u8; 32], PortError> {
        Ok(candidate)
    }

    /// Sends what is queued and ends the connections.
    pub async fn close(self) {}
}

/// An adapter can't be made.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct OpenError(pub String);

/// How a backend is.
#[derive(Debug, Clone)]
pub struct Health {
    /// `log`, `tail` or `store`.
    pub name: &'static str,
    pub problem: Option<String>,
}

/// Looks at each backend, at the same time, for three seconds at most.
pub async fn health(log: &dyn MessageLog, tail: &dyn LiveTail, store: &dyn ChatStore) -> [Health; 3] {
    let (log, tail, store) = tokio::join!(timed(log.check()), timed(tail.check()), timed(store.check()));
    [("log", log), ("tail", tail), ("store", store)].map(|(name, problem)| Health { name, problem })
}

async fn timed(check: impl Future<Output = Result<(), PortError>>) -> Option<String> {
    match tokio::time::timeout(CHECK_DEADLINE, check).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer in 3 s".to_owned()),
    }
}
