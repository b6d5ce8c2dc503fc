//! The composition root: picks the adapters, starts the tasks, and ends everything in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use chat_embedded::Embedded;
use chat_wire::GoawayReason;
use object_store::local::LocalFileSystem;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, check};
use crate::node::SystemClock;
use crate::{Backends, Node, admin, auth, drain, lease, listener, node_channel, openapi, positions, rest, spa, ws};

/// For tasks that only have to notice that they should end.
const TASKS_DEADLINE: Duration = Duration::from_secs(10);
/// How long clients get to read their last frames when there is no other node for them.
const EMBEDDED_FAREWELL: Duration = Duration::from_millis(200);

const CLEANING_PERIOD: Duration = Duration::from_mins(10);

/// A node that runs.
pub struct App {
    pub node: Arc<Node>,
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    embedded: Embedded,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl App {
    /// Opens the backends and begins to serve.
    ///
    /// # Errors
    /// The configuration, the data folder or an address does not allow it. Nothing is left running.
    pub fn start(config: Config) -> anyhow::Result<Self> {
        check(&config)?;
        let listener = listener::bind(config.listen)?;
        let admin_listener = listener::bind(config.admin)?;
        let (address, admin_address) = (listener.local_addr()?, admin_listener.local_addr()?);
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let clock = Arc::new(SystemClock);
        let embedded = Embedded::open(&config.data_dir, clock.clone()).context("cannot open the data folder")?;
        let files = config.data_dir.join("files");
        std::fs::create_dir_all(&files).with_context(|| format!("cannot create {}", files.display()))?;
        let backends = Backends {
            log: embedded.log.clone(),
            tail: embedded.tail.clone(),
            store: embedded.store.clone(),
            directory: embedded.directory.clone(),
            blobs: Arc::new(LocalFileSystem::new_with_prefix(&files)?.with_fsync(true).with_automatic_cleanup(true)),
            clock,
        };
        let signing_key = auth::load_or_create_key(&config.data_dir.join("signing.key"))?;
        let node = Node::new(config, backends, signing_key, tasks.clone());
        spawn_tasks(&node, &stop, &tasks);
        tasks.spawn(listener::serve(listener, router(&node), stop.clone(), tasks.clone()));
        tasks.spawn(listener::serve(admin_listener, admin::router(&node), stop.clone(), tasks.clone()));
        tracing::info!(%address, %admin_address, node = %node.id, "serving");
        Ok(Self { node, address, admin_address, embedded, stop, tasks })
    }

    /// Asks clients to go, waits for what they were promised, and closes the store.
    pub async fn shutdown(self) {
        let Self { node, embedded, stop, tasks, .. } = self;
        drain::begin(&node, GoawayReason::Update, Duration::from_secs(1));
        // There is no other node to go to: clients come back when this one does.
        tokio::time::sleep(EMBEDDED_FAREWELL).await;
        drain::close_all(&node);
        drain::wait(&node, Duration::from_secs(node.config.drain_seconds)).await;
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(TASKS_DEADLINE, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "tasks did not end in time");
        }
        embedded.shutdown().await;
        tracing::info!("stopped");
    }
}

fn spawn_tasks(node: &Arc<Node>, stop: &CancellationToken, tasks: &TaskTracker) {
    for shard in 0..node.flushers.count() {
        tasks.spawn(Arc::clone(&node.flushers).run(shard, stop.clone()));
    }
    tasks.spawn(Arc::clone(&node.heartbeats).run(stop.clone()));
    tasks.spawn(node_channel::run(Arc::clone(node), stop.clone()));
    tasks.spawn(positions::run(Arc::clone(node), stop.clone()));
    tasks.spawn(lease::run(Arc::clone(node), stop.clone()));
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
