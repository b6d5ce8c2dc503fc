//! Everything a request handler needs, assembled once by `app`.

use std::sync::Arc;
use std::time::Duration;

use chat_core::{NodeId, Timestamp};
use chat_ports::{ChatStore, Clock, Directory, LiveTail, MessageLog};
use object_store::ObjectStore;
use prometheus_client::registry::Registry;
use service_kit::admin::Identity;
use service_kit::loop_delay::LoopDelay;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::Auth;
use crate::chat::Chat;
use crate::config::Config;
use crate::drain::Drain;
use crate::files::Files;
use crate::live::{Connections, Delivery, Flushers, Heartbeats, Hubs, Watchers};
use crate::logins::Logins;
use crate::metrics::Counters;
use crate::positions::Positions;
use crate::readiness::Readiness;

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
    pub auth: Auth,
    pub files: Files,
    pub chat: Arc<Chat>,
    pub delivery: Arc<Delivery>,
    pub flushers: Arc<Flushers>,
    pub heartbeats: Arc<Heartbeats>,
    pub counters: Arc<Counters>,
    pub drain: Drain,
    pub positions: Positions,
    pub logins: Logins,
    pub readiness: Readiness,
    pub registry: Registry,
    pub identity: Identity,
    pub loop_delay: Arc<LoopDelay>,
}

impl Node {
    /// Puts the services together; starts nothing. `tasks` owns what outlives a request.
    pub fn new(
        config: Config,
        backends: Backends,
        signing_key: [u8; 32],
        tasks: TaskTracker,
        identity: Identity,
    ) -> Arc<Self> {
        let ending = CancellationToken::new();
        let id = config.node_id.clone();
        let counters = Arc::new(Counters::default());
        let mut registry = Registry::default();
        counters.register(&mut registry);
        let loop_delay = Arc::<LoopDelay>::default();
        service_kit::metrics::register(&mut registry, Arc::clone(&loop_delay));
        let connections = Arc::new(Connections::default());
        let delivery = Arc::new(Delivery {
            node: id.clone(),
            tail: Arc::clone(&backends.tail),
            hubs: Arc::new(Hubs::new(id.clone(), Arc::clone(&backends.tail))),
            connections,
            watchers: Watchers::default(),
            rechecks: Arc::default(),
            tasks: tasks.clone(),
            counters: Arc::clone(&counters),
        });
        let chat = Arc::new(Chat::new(
            backends.clone(),
            Arc::clone(&delivery),
            config.limits.clone(),
            Arc::clone(&counters),
            tasks,
            ending.clone(),
        ));
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let interval = Duration::from_secs(config.heartbeat_seconds);
        Arc::new(Self {
            auth: Auth::new(&config, &backends, signing_key, Arc::clone(&delivery)),
            files: Files::new(&config, &backends, &signing_key),
            flushers: Flushers::new(workers),
            heartbeats: Heartbeats::new(interval, Arc::clone(&backends.clock)),
            drain: Drain::new(ending),
            positions: Positions::default(),
            logins: Logins::default(),
            readiness: Readiness::new(config.cluster.is_cluster()),
            registry,
            identity,
            loop_delay,
            id,
            config,
            backends,
            chat,
            delivery,
            counters,
        })
    }

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
