//! The writer's way into the log.
//!
//! One thread owns the library's consumer: it fills a bounded queue for each partition, commits what was done, and answers
//! rebalances. Each partition of the assignment is a [`Partition`], a stream of batches that ends when the partition goes.

mod client;
mod join;
mod lane;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_core::Seq;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::config::{ConfigError, KafkaConfig};
use lane::Lane;
use thread::Shared;

/// Partitions that may wait to be taken by [`Consumer::next`].
const ASSIGNMENTS: usize = 8_192;

/// How to read the log.
#[derive(Debug, Clone)]
pub struct ConsumerConfig {
    pub kafka: KafkaConfig,
    /// The consumer group: all writers of a cluster.
    pub group: String,
    /// A name that comes back after a restart (of a StatefulSet's pod): its partitions then wait for it, until the brokers'
    /// session timeout. Without one they go to the others at once.
    pub instance_id: Option<String>,
    /// The classic group protocol with cooperative-sticky assignment, for brokers before 4.0.
    pub classic_protocol: bool,
    /// Bytes of records that may wait or be in work, in all and of one partition.
    pub total_bytes: usize,
    pub partition_bytes: usize,
    /// How long a partition that goes may finish the batch in work, at most.
    pub revoke_budget: Duration,
}

impl Default for ConsumerConfig {
    fn default() -> Self {
        Self {
            kafka: KafkaConfig::default(),
            group: "chat-writer".into(),
            instance_id: None,
            classic_protocol: false,
            total_bytes: 64 * 1024 * 1024,
            partition_bytes: 4 * 1024 * 1024,
            revoke_budget: Duration::from_secs(10),
        }
    }
}

/// What a partition's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    Events { generation: u16 },
    Cursors,
}

/// One record as it was in the log.
#[derive(Debug, Clone)]
pub struct Record {
    pub offset: i64,
    /// When the brokers took it, in milliseconds after 1970; 0 when unknown.
    pub timestamp: i64,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    pub headers: Vec<(String, Bytes)>,
}

impl Record {
    /// Its position, when it is an event. `None` when it is none, or out of every range.
    pub fn seq(&self, source: Source) -> Option<Seq> {
        match source {
            Source::Events { generation } => Seq::from_parts(generation, u64::try_from(self.offset).ok()?),
            Source::Cursors => None,
        }
    }

    /// What it costs to keep.
    fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len() + 48).sum();
        let length = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
        length(&self.key) + length(&self.value) + headers + 128
    }
}

/// How far one partition is behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Lag {
    pub topic: Arc<str>,
    pub partition: i32,
    /// Records that the store does not have yet.
    pub records: u64,
    /// The age of the oldest of them.
    pub seconds: f64,
    /// Records that the store has and that are not committed: owed to the tail, or just not yet said.
    pub uncommitted: u64,
    /// Everything below this offset is in the store; `None` when nothing of the partition was ever committed.
    pub stored: Option<i64>,
}

/// How the consumer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerStatus {
    /// In the group, with this many partitions.
    Reading { partitions: usize },
    /// Not in the group yet, or no longer; it goes on trying.
    Trying { detail: String },
}

/// A member of the writers' group.
pub struct Consumer {
    shared: Arc<Shared>,
    assigned: tokio::sync::Mutex<mpsc::Receiver<Partition>>,
    thread: parking_lot::Mutex<Option<std::thread::JoinHandle<()>>>,
}

impl Consumer {
    /// Joins the group, for as long as it takes: brokers that are away, topics that are missing and refused credentials
    /// are tried again, and told by [`Consumer::status`].
    ///
    /// # Errors
    /// The configuration can't be right.
    pub fn open(config: ConsumerConfig) -> Result<Self, ConfigError> {
        config.kafka.client()?;
        let (sender, receiver) = mpsc::channel(ASSIGNMENTS);
        let shared = Arc::new(Shared::new(config, sender));
        let thread = thread::spawn(Arc::clone(&shared))?;
        Ok(Self { shared, assigned: tokio::sync::Mutex::new(receiver), thread: parking_lot::Mutex::new(Some(thread)) })
    }

    /// The next partition that became this member's. `None` after [`Consumer::close`].
    pub async fn next(&self) -> Option<Partition> {
        let mut assigned = self.assigned.lock().await;
        tokio::select! {
            partition = assigned.recv() => partition,
            () = self.shared.closed.cancelled() => None,
        }
    }

    pub fn status(&self) -> ConsumerStatus {
        self.shared.status()
    }

    /// The partitions of this member, and how far each is behind.
    pub fn lag(&self) -> Vec<Lag> {
        self.shared.lanes.lock().values().map(|lane| lane.lag()).collect()
    }

    /// Bytes of records that wait or are in work.
    pub fn bytes(&self) -> usize {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// Ends every partition after its batch in work (within the revoke budget), commits, and leaves the group; all within
    /// `budget`.
    pub async fn close(&self, budget: Duration) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.closed.cancel();
        let begin = Instant::now();
        let finished = || self.thread.lock().as_ref().is_none_or(std::thread::JoinHandle::is_finished);
        while !finished() && begin.elapsed() < budget {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if !finished() {
            tracing::warn!("the Kafka consumer did not leave its group in time: the brokers will notice");
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
    }
}

/// One partition of this member, as batches in the log's order. Dropping it ends the work on it, without a commit.
pub struct Partition {
    lane: Arc<Lane>,
    shared: Arc<Shared>,
    ended: AtomicBool,
}

impl Partition {
    fn new(lane: Arc<Lane>, shared: Arc<Shared>) -> Self {
        Self { lane, shared, ended: AtomicBool::new(false) }
    }

    pub fn source(&self) -> Source {
        self.lane.source
    }
    pub fn topic(&self) -> &str {
        &self.lane.topic
    }
    pub fn number(&self) -> i32 {
        self.lane.number
    }

    /// The next records: at least one, at most `max_records` and about `max_bytes`. `None` when the partition is no longer
    /// this member's. Asking says that the batch before is no longer in work. Cancel safe.
    pub async fn next(&self, max_records: usize, max_bytes: usize) -> Option<Vec<Record>> {
        loop {
            let arrived = self.lane.arrived.notified();
            match self.lane.take(max_records, max_bytes, &self.shared) {
                lane::Taken::Batch(records) => return Some(records),
                lane::Taken::Nothing => arrived.await,
                lane::Taken::Ended => return None,
            }
        }
    }

    /// The store has every record below `offset`: for the lag.
    pub fn stored(&self, offset: i64) {
        self.lane.stored(offset);
    }

    /// Everything is done for the records below `offset`: to be committed. Ignored once the partition is another's.
    pub fn done(&self, offset: i64) {
        self.lane.done(offset);
    }

    /// Reads on from `offset`, which was read before.
    pub fn rewind(&self, offset: i64) {
        self.lane.rewind(offset, &self.shared);
    }

    /// Cancelled when the partition is about to go: the batch in work should end, and whoever waits for a backend that is
    /// away should give up.
    pub fn leaving(&self) -> CancellationToken {
        self.lane.leaving.clone()
    }

    /// Cancelled when the partition is another's: whatever is still in work is of no use.
    pub fn fenced(&self) -> CancellationToken {
        self.lane.fenced.clone()
    }
}

impl Drop for Partition {
    fn drop(&mut self) {
        if !self.ended.swap(true, Ordering::AcqRel) {
            self.lane.end(&self.shared);
        }
    }
}
