use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use chat_cluster::Projection;
use chat_kafka::{Consumer, DeadLetters, Source};
use chat_ports::store::MessageStore;
use chat_ports::{Directory, LiveTail};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use crate::health::Health;
use crate::memberships::Memberships;
use crate::metrics::Counters;
use crate::{cursors, events};

/// The systems that the log is brought into.
#[derive(Clone)]
pub struct Backends {
    pub store: Arc<dyn MessageStore>,
    pub tail: Arc<dyn LiveTail>,
    /// Where people are: for hints about their memberships.
    pub directory: Arc<dyn Directory>,
}

impl From<&Projection> for Backends {
    fn from(projection: &Projection) -> Self {
        let Projection { store, tail, directory, .. } = projection;
        Self { store: store.clone(), tail: Arc::clone(tail), directory: Arc::clone(directory) }
    }
}

/// How much is done at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Batches that the store works on at a time. While they are under way, the next ones grow.
    pub store_batches: usize,
    /// Conversations that are repaired, and cursors that are put, at a time.
    pub calls: usize,
    pub batch_records: usize,
    pub batch_bytes: usize,
    /// From the begin of a batch that was less than half full to the begin of the next one of its partition.
    pub batch_interval: Duration,
    /// An attempt of the store that takes longer has failed.
    pub store_deadline: Duration,
    /// The same for the tail step of one batch: short, since the store goes on without it.
    pub tail_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            store_batches: 16,
            calls: 256,
            batch_records: 500,
            batch_bytes: 1024 * 1024,
            batch_interval: Duration::from_millis(500),
            store_deadline: Duration::from_secs(20),
            tail_deadline: Duration::from_secs(2),
        }
    }
}

/// What all lanes share.
pub struct Pipeline {
    pub consumer: Consumer,
    pub backends: Backends,
    pub dead: DeadLetters,
    pub counters: Arc<Counters>,
    pub limits: Limits,
    pub store_health: Health,
    pub tail_health: Health,
    pub dead_health: Health,
    pub memberships: Memberships,
    pub store_permits: Semaphore,
    pub call_permits: Semaphore,
    /// Records that the store refused since it took one. Many in a row are not the records' fault.
    pub refused_in_a_row: AtomicU32,
}

impl Pipeline {
    pub fn new(
        consumer: Consumer,
        backends: Backends,
        dead: DeadLetters,
        counters: Arc<Counters>,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self {
            consumer,
            backends,
            dead,
            counters,
            limits,
            store_health: Health::new("store"),
            tail_health: Health::new("tail"),
            dead_health: Health::new("dead letters"),
            memberships: Memberships::default(),
            store_permits: Semaphore::new(limits.store_batches),
            call_permits: Semaphore::new(limits.calls),
            refused_in_a_row: AtomicU32::new(0),
        })
    }

    /// Gives each partition that becomes ours a lane, until the consumer is closed. `tasks` owns the lanes.
    pub async fn run(self: Arc<Self>, tasks: TaskTracker) {
        while let Some(partition) = self.consumer.next().await {
            let pipeline = Arc::clone(&self);
            match partition.source() {
                Source::Events { .. } => drop(tasks.spawn(events::run(pipeline, partition))),
                Source::Cursors => drop(tasks.spawn(cursors::run(pipeline, partition))),
            }
        }
    }
}
