//! The adapters that the flags ask for.

use std::sync::Arc;
use std::time::Duration;

use chat_cassandra::CassandraStore;
use chat_kafka::KafkaLog;
use chat_ports::{ChatStore, Directory, LiveTail, MessageLog, PortError};
use chat_redis::{Redis, RedisConfigError, RedisDirectory, RedisTail};
use prometheus_client::registry::Registry;

use crate::ClusterArgs;
use crate::metrics::RedisCounters;

/// A check that takes longer has failed.
const CHECK_DEADLINE: Duration = Duration::from_secs(3);

/// Connections to Redis, Kafka and Cassandra. They are made in the background: an adapter whose system is away answers
/// "unavailable" until it is back.
pub struct Adapters {
    pub log: Arc<dyn MessageLog>,
    pub tail: Arc<dyn LiveTail>,
    pub store: Arc<dyn ChatStore>,
    pub directory: Arc<dyn Directory>,
    kafka: Arc<KafkaLog>,
    projection: Projection,
}

/// Connections to Redis and Cassandra: all that a writer needs besides its own way into the log.
pub struct Projection {
    pub tail: Arc<dyn LiveTail>,
    pub store: Arc<dyn ChatStore>,
    pub directory: Arc<dyn Directory>,
    redis: Redis,
    cassandra: Arc<CassandraStore>,
}

impl Projection {
    /// # Errors
    /// An address or a file can't be used as it is.
    pub fn open(args: &ClusterArgs) -> Result<Self, OpenError> {
        let cassandra = Arc::new(CassandraStore::open(args.cassandra())?);
        let store: Arc<dyn ChatStore> = cassandra.clone();
        let redis = Redis::open(args.redis())?;
        Ok(Self {
            tail: Arc::new(RedisTail::new(redis.clone(), store.clone())),
            directory: Arc::new(RedisDirectory::new(redis.clone(), store.clone())),
            store,
            redis,
            cassandra,
        })
    }

    /// Adds what the connections count.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_collector(Box::new(RedisCounters(self.redis.clone())));
    }

    /// Ends the connections.
    pub async fn close(self) {
        self.redis.close().await;
        self.cassandra.close().await;
    }
}

impl Adapters {
    /// `client` names this process to the systems.
    ///
    /// # Errors
    /// An address or a file can't be used as it is.
    pub fn open(args: &ClusterArgs, client: &str) -> Result<Self, OpenError> {
        let projection = Projection::open(args)?;
        let kafka = Arc::new(KafkaLog::open(&args.kafka(client))?);
        Ok(Self {
            log: kafka.clone(),
            tail: Arc::clone(&projection.tail),
            store: Arc::clone(&projection.store),
            directory: Arc::clone(&projection.directory),
            kafka,
            projection,
        })
    }

    /// The secret of this name that all processes of the cluster share: `candidate`, for whoever asks first.
    ///
    /// # Errors
    /// As the store's.
    pub async fn shared_secret(&self, name: &str, candidate: [u8; 32]) -> Result<[u8; 32], PortError> {
        self.projection.cassandra.shared_secret(name, candidate).await
    }

    /// Adds what the connections count.
    pub fn register(&self, registry: &mut Registry) {
        self.projection.register(registry);
    }

    /// Sends what is queued and ends the connections.
    pub async fn close(self) {
        self.kafka.close().await;
        self.projection.close().await;
    }
}

/// An adapter can't be made.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("Redis: {0}")]
    Redis(#[from] RedisConfigError),
    #[error("Kafka: {0}")]
    Kafka(#[from] chat_kafka::ConfigError),
    #[error("Cassandra: {0}")]
    Cassandra(#[from] chat_cassandra::SetupError),
}

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
