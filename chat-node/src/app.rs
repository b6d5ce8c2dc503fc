//! The composition root: picks the adapters, starts the tasks, and ends everything in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use chat_cluster::Adapters;
use chat_embedded::Embedded;
use chat_wire::GoawayReason;
use prometheus_client::registry::Registry;
use service_kit::admin::{AdminAccess, Identity};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, check};
use crate::listener::Reserved;
use crate::node::SystemClock;
use crate::{
    Backends, Node, admin, auth, backend_health, blobs, drain, joining, lease, listener, logins, memberships,
    node_channel, openapi, positions, rest, spa, ws,
};

/// For tasks that only have to notice that they should end.
const TASKS_DEADLINE: Duration = Duration::from_secs(10);
/// How long clients get to read their last frames when there is no other node for them, or the drain time is over.
const FAREWELL: Duration = Duration::from_millis(200);
/// For the last words to the cluster.
const LEAVE_DEADLINE: Duration = Duration::from_secs(5);

const CLEANING_PERIOD: Duration = Duration::from_mins(10);

/// A node that runs.
pub struct App {
    pub node: Arc<Node>,
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    systems: Systems,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// What keeps the data.
enum Systems {
    Embedded(Embedded),
    Cluster(Adapters),
}

impl App {
    /// Opens the data folder and begins to serve, alone.
    ///
    /// # Errors
    /// The configuration, the data folder or an address does not allow it. Nothing is left running.
    pub fn start(config: Config) -> anyhow::Result<Self> {
        check(&config)?;
        let identity = identity(&config);
        let (clients, admin) = (listener::reserve(config.listen)?, listener::reserve(config.admin)?);
        let clock = Arc::new(SystemClock);
        let embedded = Embedded::open(&config.data_dir, clock.clone()).context("cannot open the data folder")?;
        let signing_key = match &config.signing_key_file {
            Some(path) => auth::load_key(path)?,
            None => auth::load_or_create_key(&config.data_dir.join("signing.key"))?,
        };
        let backends = Backends {
            log: embedded.log.clone(),
            tail: embedded.tail.clone(),
            store: embedded.store.clone(),
            directory: embedded.directory.clone(),
            blobs: blobs::open(&config)?,
            clock,
        };
        Self::serve(config, backends, signing_key, Systems::Embedded(embedded), [&clients, &admin], identity)
    }

    /// Waits until Redis, Kafka and Cassandra answer, saying on the admin port what is missing, and begins to serve as
    /// one node of the cluster. Dropping the future leaves nothing running.
    ///
    /// # Errors
    /// The configuration, a file that it names or an address does not allow it.
    pub async fn join(config: Config) -> anyhow::Result<Self> {
        check(&config)?;
        let identity = identity(&config);
        let (clients, admin) = (listener::reserve(config.listen)?, listener::reserve(config.admin)?);
        let key_file = config.signing_key_file.as_deref().map(auth::load_key).transpose()?;
        let blobs = blobs::open(&config)?;
        if config.blobs.s3.is_none() {
            let folder = config.data_dir.display();
            tracing::warn!(%folder, "files are kept in a folder: all nodes must share it, or use --s3");
        }
        let adapters = Adapters::open(&config.cluster, config.node_id.as_str())?;
        joining::wait_for(&adapters, &admin, &identity, &AdminAccess::new(config.admin_token_file.clone())).await?;
        let signing_key = match key_file {
            Some(key) => key,
            None => joining::shared_key(&adapters).await?,
        };
        let backends = Backends {
            log: adapters.log.clone(),
            tail: adapters.tail.clone(),
            store: adapters.store.clone(),
            directory: adapters.directory.clone(),
            blobs,
            clock: Arc::new(SystemClock),
        };
        Self::serve(config, backends, signing_key, Systems::Cluster(adapters), [&clients, &admin], identity)
    }

    fn serve(
        config: Config,
        backends: Backends,
        signing_key: [u8; 32],
        systems: Systems,
        [clients, admin]: [&Reserved; 2],
        identity: Identity,
    ) -> anyhow::Result<Self> {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let (listener, admin_listener) = (clients.listen()?, admin.listen()?);
        let (address, admin_address) = (clients.address, admin.address);
        let mut registry = Registry::default();
        if let Systems::Cluster(adapters) = &systems {
            adapters.register(&mut registry);
        }
        let node = Node::new(config, backends, signing_key, tasks.clone(), identity, registry);
        spawn_tasks(&node, &stop, &tasks);
        tasks.spawn(listener::serve(listener, router(&node), stop.clone(), tasks.clone()));
        tasks.spawn(listener::serve(admin_listener, admin::router(&node), stop.clone(), tasks.clone()));
        tracing::info!(%address, %admin_address, node = %node.id, "serving");
        Ok(Self { node, address, admin_address, systems, stop, tasks })
    }

    /// Asks clients to go, waits for what they were promised, and closes the systems behind.
    pub async fn shutdown(self) {
        let Self { node, systems, stop, tasks, .. } = self;
        let time = Duration::from_secs(node.config.drain_seconds);
        match &systems {
            Systems::Embedded(_) => {
                drain::end_alone(&node, GoawayReason::Update, Duration::from_secs(1));
                // There is no other node to go to: clients come back when this one does.
                tokio::time::sleep(FAREWELL).await;
                drain::close_all(&node);
                drain::wait(&node, Instant::now() + time).await;
            }
            Systems::Cluster(_) => {
                let deadline = drain::end(&node, GoawayReason::Update, time).await;
                drain::wait(&node, deadline).await;
                drain::close_all(&node);
                drain::wait(&node, Instant::now() + FAREWELL).await;
            }
        }
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(TASKS_DEADLINE, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "tasks did not end in time");
        }
        match systems {
            Systems::Embedded(embedded) => embedded.shutdown().await,
            Systems::Cluster(adapters) => {
                let leave = async {
                    if let Err(error) = node.backends.directory.retire(&node.id).await {
                        tracing::debug!(%error, "this node's lease lapses by itself");
                    }
                    adapters.close().await;
                };
                if tokio::time::timeout(LEAVE_DEADLINE, leave).await.is_err() {
                    tracing::warn!("the cluster did not take this node's leave in time");
                }
            }
        }
        tracing::info!("stopped");
    }
}

fn identity(config: &Config) -> Identity {
    Identity::new(config.node_id.as_str(), "gateway")
}

fn spawn_tasks(node: &Arc<Node>, stop: &CancellationToken, tasks: &TaskTracker) {
    for shard in 0..node.flushers.count() {
        tasks.spawn(Arc::clone(&node.flushers).run(shard, stop.clone()));
    }
    tasks.spawn(Arc::clone(&node.heartbeats).run(stop.clone()));
    tasks.spawn(node_channel::run(Arc::clone(node), stop.clone()));
    tasks.spawn(positions::run(Arc::clone(node), stop.clone()));
    tasks.spawn(lease::run(Arc::clone(node), stop.clone()));
    tasks.spawn(memberships::run(Arc::clone(node), stop.clone()));
    tasks.spawn(logins::run(Arc::clone(node), stop.clone()));
    tasks.spawn(backend_health::run(Arc::clone(node), stop.clone()));
    tasks.spawn(Arc::clone(&node.loop_delay).run(stop.clone()));
    tasks.spawn(clean_uploads(Arc::clone(node), stop.clone()));
}

async fn clean_uploads(node: Arc<Node>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(CLEANING_PERIOD) => {}
            () = stop.cancelled() => return,
        }
        match node.files.clean().await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "removed uploads that were given up"),
            Err(failure) => tracing::warn!(%failure, "could not remove uploads that were given up"),
        }
    }
}

/// Everything that clients may call.
pub fn router(node: &Arc<Node>) -> Router {
    rest::router()
        .route("/v1/ws", get(ws::upgrade))
        .route("/v1/openapi.json", get(|| async { ([("content-type", "application/json")], openapi::json()) }))
        .fallback(spa::fallback)
        .with_state(Arc::clone(node))
}
