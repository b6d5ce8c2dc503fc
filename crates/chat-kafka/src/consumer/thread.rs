use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use parking_lot::{Condvar, Mutex};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::client::Callbacks;
use super::join::connect;
use super::lane::{Flow, Lane};
use super::{ConsumerConfig, ConsumerStatus, Partition, Record, Source};
use crate::config::ConfigError;
use crate::topics::Topics;
use crate::trouble::Trouble;

const POLL: Duration = Duration::from_millis(20);
const COMMIT_PERIOD: Duration = Duration::from_millis(200);
/// For all partitions that have to go back.
const SEEK_DEADLINE: Duration = Duration::from_secs(3);
/// How often a refused password is looked up again.
const PASSWORD_PERIOD: Duration = Duration::from_secs(5);
const SEEK_PAUSE: Duration = Duration::from_millis(500);
/// For the last commit of a partition.
const COMMIT_DEADLINE: Duration = Duration::from_secs(3);
/// A client that lived so long did its work: one that ends at once is not made anew again and again.
const SOUND: Duration = Duration::from_secs(10);
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

pub type Client = BaseConsumer<Callbacks>;

/// What the thread, its callbacks and the partitions share.
pub struct Shared {
    pub config: ConsumerConfig,
    pub topics: Topics,
    pub trouble: Trouble,
    pub lanes: Mutex<HashMap<(Source, i32), Arc<Lane>>>,
    /// Bytes of records that wait or are in work.
    pub bytes: AtomicUsize,
    pub stop: AtomicBool,
    /// Nobody is given partitions any more.
    pub closed: CancellationToken,
    /// A batch in work ended.
    pub idle: Condvar,
    idle_lock: Mutex<()>,
    assigned: mpsc::Sender<Partition>,
    problem: Mutex<Option<String>>,
    client: Mutex<Weak<Client>>,
    this: Mutex<Weak<Self>>,
}

impl Shared {
    pub fn new(config: ConsumerConfig, assigned: mpsc::Sender<Partition>) -> Self {
        Self {
            topics: config.kafka.topics(),
            config,
            trouble: Trouble::default(),
            lanes: Mutex::default(),
            bytes: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            closed: CancellationToken::new(),
            idle: Condvar::new(),
            idle_lock: Mutex::new(()),
            assigned,
            problem: Mutex::new(Some("has not reached the brokers yet".into())),
            client: Mutex::default(),
            this: Mutex::default(),
        }
    }

    pub fn status(&self) -> ConsumerStatus {
        match self.problem.lock().clone() {
            Some(detail) => ConsumerStatus::Trying { detail },
            None => ConsumerStatus::Reading { partitions: self.lanes.lock().len() },
        }
    }

    /// A broker is connected.
    pub fn reachable(&self) {
        *self.problem.lock() = None;
    }

    fn failed(&self, detail: impl std::fmt::Display) {
        let detail = self.trouble.explain(&self.config.kafka.addresses(), detail);
        let mut problem = self.problem.lock();
        if problem.as_ref() != Some(&detail) {
            tracing::warn!(group = self.config.group, "cannot read the log: {detail}");
            *problem = Some(detail);
        }
    }

    fn source(&self, topic: &str) -> Option<Source> {
        match self.topics.generation(topic) {
            Some(generation) => Some(Source::Events { generation }),
            None => (topic == self.topics.cursors()).then_some(Source::Cursors),
        }
    }

    pub fn lane(&self, topic: &str, partition: i32) -> Option<Arc<Lane>> {
        self.lanes.lock().get(&(self.source(topic)?, partition)).cloned()
    }

    pub fn assign(&self, partitions: &[(String, i32)]) {
        let Some(this) = self.this.lock().upgrade() else { return };
        tracing::info!(count = partitions.len(), "partitions are ours now");
        self.reachable();
        for (topic, number) in partitions {
            let Some(source) = self.source(topic) else { continue };
            let lane = Arc::new(Lane::new(source, Arc::from(topic.as_str()), *number));
            if let Some(old) = self.lanes.lock().insert((source, *number), Arc::clone(&lane)) {
                old.fence();
            }
            // This thread is no task: it may wait. Whoever takes partitions only spawns.
            let _ = self.assigned.blocking_send(Partition::new(lane, Arc::clone(&this)));
        }
    }

    /// The partitions go: their batches in work end, are committed, and then nothing of theirs is any more.
    pub fn revoke(&self, partitions: &[(String, i32)], lost: bool) {
        let mut gone = Vec::with_capacity(partitions.len());
        for (topic, number) in partitions {
            if let Some(source) = self.source(topic)
                && let Some(lane) = self.lanes.lock().remove(&(source, *number))
            {
                gone.push(lane);
            }
        }
        self.give_up(&gone, lost);
    }

    fn give_up(&self, lanes: &[Arc<Lane>], lost: bool) {
        if lanes.is_empty() {
            return;
        }
        for lane in lanes {
            lane.drain(self);
        }
        let begin = Instant::now();
        let mut guard = self.idle_lock.lock();
        while !lost && begin.elapsed() < self.config.revoke_budget && !lanes.iter().all(|lane| lane.idle()) {
            self.idle.wait_for(&mut guard, Duration::from_millis(10));
        }
        drop(guard);
        let unfinished = lanes.iter().filter(|lane| !lane.idle()).count();
        let last = list(lanes.iter().filter_map(|lane| Some((lane, lane.fence()?))));
        tracing::info!(count = lanes.len(), unfinished, lost, "partitions are no longer ours");
        if !lost
            && last.count() > 0
            && let Err(error) = self.commit_within_deadline(last)
        {
            tracing::warn!(%error, "the last commit of partitions failed: whoever has them now reads some records again");
        }
    }

    /// The library's own commit waits as long as the coordinator is away.
    fn commit_within_deadline(&self, offsets: TopicPartitionList) -> Result<(), String> {
        let Some(client) = self.client.lock().upgrade() else { return Err("there is no client".into()) };
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        std::thread::Builder::new()
            .name("kafka-commit".into())
            .spawn(move || {
                let result = client.commit(&offsets, CommitMode::Sync);
                drop(client);
                let _ = sender.send(result);
            })
            .map_err(|error| error.to_string())?;
        match receiver.recv_timeout(COMMIT_DEADLINE) {
            Ok(result) => result.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".into()),
        }
    }

    pub fn committed(&self, result: &KafkaResult<()>, offsets: &TopicPartitionList) {
        for element in offsets.elements() {
            let outcome = element.error().and_then(|()| result.clone());
            let Some(lane) = self.lane(element.topic(), element.partition()) else { continue };
            match (outcome, element.offset()) {
                (Ok(()), Offset::Offset(offset)) => {
                    lane.committed(offset);
                    self.reachable();
                }
                (Ok(()), _) => {}
                // It is tried again with the next one.
                (Err(error), _) => tracing::debug!(topic = element.topic(), %error, "a commit failed"),
            }
        }
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

fn list<'a>(offsets: impl Iterator<Item = (&'a Arc<Lane>, i64)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (lane, offset) in offsets {
        if let Err(error) = list.add_partition_offset(&lane.topic, lane.number, Offset::Offset(offset)) {
            tracing::warn!(%error, offset, "is no offset");
        }
    }
    list
}

pub fn spawn(shared: Arc<Shared>) -> Result<std::thread::JoinHandle<()>, ConfigError> {
    *shared.this.lock() = Arc::downgrade(&shared);
    std::thread::Builder::new()
        .name("kafka-consumer".into())
        .spawn(move || run(&shared))
        .map_err(|error| ConfigError::Client(KafkaError::ClientCreation(format!("no thread: {error}"))))
}

/// Joins, reads, and begins anew when the client is of no use any more.
fn run(shared: &Arc<Shared>) {
    let mut pause = BACKOFF.0;
    while !shared.stopping() {
        match connect(shared) {
            Ok(client) => {
                let began = Instant::now();
                *shared.client.lock() = Arc::downgrade(&client);
                let lost = match read(shared, &client) {
                    Ok(()) => false,
                    Err(fatal) => {
                        shared.failed(fatal);
                        true
                    }
                };
                let lanes: Vec<_> = shared.lanes.lock().drain().map(|(_, lane)| lane).collect();
                shared.give_up(&lanes, lost);
                // Dropping it leaves the group.
                drop(client);
                if began.elapsed() > SOUND {
                    pause = BACKOFF.0;
                }
            }
            Err(detail) => shared.failed(detail),
        }
        let begin = Instant::now();
        let spread = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().subsec_nanos() % 1_000;
        let wait = pause / 2 + pause * spread / 2_000;
        while begin.elapsed() < wait && !shared.stopping() {
            std::thread::sleep(POLL);
        }
        pause = (pause * 2).min(BACKOFF.1);
    }
}

/// Reads until the process stops (`Ok`), or the client can't any more.
fn read(shared: &Arc<Shared>, client: &Arc<Client>) -> Result<(), String> {
    let (mut looked, mut committed, mut rewind_from) = (Instant::now(), Instant::now(), Instant::now());
    let (password, mut password_looked) = (shared.config.kafka.password().ok().flatten(), Instant::now());
    while !shared.stopping() {
        let mut look = looked.elapsed() >= POLL;
        match client.poll(POLL) {
            Some(Ok(message)) => look |= push(shared, &message),
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                let advice = match code {
                    Code::FencedInstanceId | Code::UnreleasedInstanceId => {
                        ": another writer runs under the same instance id"
                    }
                    _ => "",
                };
                return Err(format!("{code}{advice}"));
            }
            Some(Err(error)) => complain(shared, &error),
            None => {}
        }
        if look {
            looked = Instant::now();
            flow(shared, client);
            if shared.trouble.is_authentication() && password_looked.elapsed() > PASSWORD_PERIOD {
                password_looked = Instant::now();
                if shared.config.kafka.password().is_ok_and(|now| now != password) {
                    shared.trouble.clear();
                    return Err("the password in its file is another one now".into());
                }
            }
            if rewind_from <= looked && !rewind(shared, client) {
                rewind_from = Instant::now() + SEEK_PAUSE;
            }
        }
        if committed.elapsed() >= COMMIT_PERIOD {
            committed = Instant::now();
            let lanes: Vec<_> = shared.lanes.lock().values().cloned().collect();
            let offsets = list(lanes.iter().filter_map(|lane| Some((lane, lane.uncommitted()?))));
            if offsets.count() > 0
                && let Err(error) = client.commit(&offsets, CommitMode::Async)
            {
                tracing::debug!(%error, "a commit could not be begun");
            }
        }
    }
    Ok(())
}

fn complain(shared: &Shared, error: &KafkaError) {
    match error.rdkafka_error_code() {
        Some(
            code @ (Code::AllBrokersDown
            | Code::Authentication
            | Code::GroupAuthorizationFailed
            | Code::TopicAuthorizationFailed
            | Code::UnknownTopicOrPartition
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature),
        ) => shared.failed(code),
        Some(Code::PollExceeded) => tracing::warn!("the consumer's thread hung: partitions went to others"),
        _ => tracing::debug!(%error, "the Kafka consumer complains"),
    }
}

/// True when flow control has something to do.
fn push(shared: &Shared, message: &BorrowedMessage<'_>) -> bool {
    let Some(lane) = shared.lane(message.topic(), message.partition()) else { return false };
    let headers = message.headers().map_or_else(Vec::new, |headers| {
        headers
            .iter()
            .map(|header| (header.key.to_owned(), Bytes::copy_from_slice(header.value.unwrap_or_default())))
            .collect()
    });
    let record = Record {
        offset: message.offset(),
        timestamp: message.timestamp().to_millis().unwrap_or(0),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice),
        headers,
    };
    lane.push(record, shared) || shared.bytes.load(Ordering::Relaxed) >= shared.config.total_bytes
}

/// Stops fetching what has no room, and goes on when it has.
fn flow(shared: &Shared, client: &Client) {
    let all_full = shared.bytes.load(Ordering::Relaxed) >= shared.config.total_bytes;
    let lanes: Vec<_> = shared.lanes.lock().values().cloned().collect();
    let (mut pause, mut resume) = (TopicPartitionList::new(), TopicPartitionList::new());
    for lane in &lanes {
        match lane.flow(all_full, shared) {
            Some(Flow::Pause) => {
                pause.add_partition(&lane.topic, lane.number);
                lane.set_paused(true);
            }
            Some(Flow::Resume) => {
                resume.add_partition(&lane.topic, lane.number);
                lane.set_paused(false);
            }
            None => {}
        }
    }
    if pause.count() > 0
        && let Err(error) = client.pause(&pause)
    {
        tracing::warn!(%error, "could not pause partitions");
    }
    if resume.count() > 0
        && let Err(error) = client.resume(&resume)
    {
        tracing::warn!(%error, "could not resume partitions");
    }
}

/// All at once: one after the other they could keep the thread from its polls for longer than the brokers allow. False
/// when one could not go back: it is tried again.
fn rewind(shared: &Shared, client: &Client) -> bool {
    let lanes: Vec<_> = shared.lanes.lock().values().cloned().collect();
    let wanted: Vec<_> = lanes.iter().filter_map(|lane| Some((lane, lane.wanted_rewind()?))).collect();
    if wanted.is_empty() {
        return true;
    }
    let found = match client.seek_partitions(list(wanted.iter().copied()), SEEK_DEADLINE) {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(count = wanted.len(), %error, "partitions could not go back");
            return false;
        }
    };
    let mut all = true;
    for (lane, offset) in wanted {
        let found = found.find_partition(&lane.topic, lane.number);
        match found.map_or(Ok(()), |partition| partition.error()) {
            Ok(()) => lane.rewound(),
            Err(error) => {
                tracing::warn!(topic = %lane.topic, partition = lane.number, offset, %error, "could not go back");
                all = false;
            }
        }
    }
    all
}
