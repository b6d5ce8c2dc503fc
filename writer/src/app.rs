//! The composition root: picks the adapters, starts the tasks, and ends everything in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use chat_kafka::{Consumer, DeadLetters};
use prometheus_client::registry::Registry;
use service_kit::admin::{AdminAccess, Identity};
use service_kit::loop_delay::LoopDelay;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::{self, Admin};
use crate::config::Settings;
use crate::memberships;
use crate::metrics::Counters;
use crate::pipeline::{Backends, Pipeline};

/// For tasks that only have to notice that they should end.
const TASKS_DEADLINE: Duration = Duration::from_secs(5);
/// Leaving the group, after the batches in work.
const LEAVE_DEADLINE: Duration = Duration::from_secs(8);

/// A writer that runs.
pub struct App {
    pub admin_address: SocketAddr,
    pipeline: Arc<Pipeline>,
    drain: Duration,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl App {
    /// Begins to read the log. The admin port answers from the start; backends that are away are tried for ever, and
    /// `/readyz` says which. `registry` has what the backends count.
    ///
    /// # Errors
    /// The configuration or the admin address does not allow it. Nothing is left running.
    pub async fn start(settings: Settings, backends: Backends, mut registry: Registry) -> anyhow::Result<Self> {
        let identity = Identity::new(settings.writer_id.as_str(), "writer");
        let listener = TcpListener::bind(settings.admin)
            .await
            .with_context(|| format!("cannot listen on {}: choose another --admin", settings.admin))?;
        let admin_address = listener.local_addr()?;
        let drain = settings.consumer.revoke_budget;
        let dead = DeadLetters::open(&settings.consumer.kafka)?;
        let consumer = Consumer::open(settings.consumer)?;
        let counters = Arc::new(Counters::default());
        counters.register(&mut registry);
        let loop_delay = Arc::<LoopDelay>::default();
        service_kit::metrics::register(&mut registry, Arc::clone(&loop_delay));
        let pipeline = Pipeline::new(consumer, backends, dead, counters, settings.limits);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(loop_delay.run(stop.clone()));
        tasks.spawn(Arc::clone(&pipeline).run(tasks.clone()));
        tasks.spawn(memberships::run(Arc::clone(&pipeline), stop.clone()));
        let access = AdminAccess::new(settings.admin_token_file);
        let admin = Admin { pipeline: Arc::clone(&pipeline), registry, identity, stopping: stop.clone() };
        let admin = Arc::new(admin);
        tasks.spawn(admin::watch_backends(Arc::clone(&admin), stop.clone()));
        tasks.spawn(admin::serve(listener, admin, access, stop.clone()));
        tracing::info!(%admin_address, writer = settings.writer_id, "reading the log");
        Ok(Self { admin_address, pipeline, drain, stop, tasks })
    }

    /// Stops reading, finishes the batches in work, commits, and leaves the group.
    pub async fn shutdown(self) {
        let Self { pipeline, drain, stop, tasks, .. } = self;
        pipeline.consumer.close(drain + LEAVE_DEADLINE).await;
        pipeline.dead.close().await;
        stop.cancel();
        tasks.close();
        if tokio::time::timeout(TASKS_DEADLINE, tasks.wait()).await.is_err() {
            tracing::warn!(left = tasks.len(), "tasks did not end in time");
        }
        tracing::info!("stopped");
    }
}
