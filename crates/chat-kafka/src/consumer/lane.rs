use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::thread::Shared;
use super::{Lag, Record, Source};

/// One partition of this member. The thread fills it, a task empties it; everything that decides about its offset is under
/// one lock.
pub struct Lane {
    pub source: Source,
    pub topic: Arc<str>,
    pub number: i32,
    pub arrived: Notify,
    pub fenced: CancellationToken,
    pub leaving: CancellationToken,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Record>,
    queued_bytes: usize,
    /// Of the batch in work; the time of its oldest record.
    working: Option<Working>,
    phase: Phase,
    /// Nobody reads it any more.
    ended: bool,
    paused: bool,
    /// Where to read on. Until the thread has done it, arriving records are of the time before.
    rewind: Option<i64>,
    stored: Option<i64>,
    done: Option<i64>,
    committed: Option<i64>,
    broker: BrokerOffsets,
    behind_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// No more batches are given out.
    Draining,
    /// Another member may have it: nothing is committed from now on.
    Revoked,
}

struct Working {
    bytes: usize,
    timestamp: i64,
}

/// What the library's statistics say of a partition; negative when unknown.
#[derive(Debug, Clone, Copy)]
pub struct BrokerOffsets {
    pub low: i64,
    pub high: i64,
    pub committed: i64,
}

impl Default for BrokerOffsets {
    fn default() -> Self {
        Self { low: -1, high: -1, committed: -1 }
    }
}

pub enum Taken {
    Batch(Vec<Record>),
    Nothing,
    Ended,
}

/// What the thread should do for a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Pause,
    Resume,
}

impl Lane {
    pub fn new(source: Source, topic: Arc<str>, number: i32) -> Self {
        Self {
            source,
            topic,
            number,
            arrived: Notify::new(),
            fenced: CancellationToken::new(),
            leaving: CancellationToken::new(),
            state: Mutex::default(),
        }
    }

    /// From the thread: a record arrived. True when the lane has as much as it may have.
    pub fn push(&self, record: Record, shared: &Shared) -> bool {
        let bytes = record.bytes();
        let full = {
            let mut state = self.state.lock();
            if state.phase != Phase::Open || state.ended || state.rewind.is_some() {
                return false;
            }
            state.queued_bytes += bytes;
            state.queue.push_back(record);
            state.held() >= shared.config.partition_bytes
        };
        shared.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.arrived.notify_one();
        full
    }

    pub fn take(&self, max_records: usize, max_bytes: usize, shared: &Shared) -> Taken {
        let mut state = self.state.lock();
        state.finish_working(shared);
        if state.phase != Phase::Open || state.ended {
            return Taken::Ended;
        }
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < max_records
            && let Some(record) =
                state.queue.pop_front_if(|record| batch.is_empty() || bytes + record.bytes() <= max_bytes)
        {
            bytes += record.bytes();
            batch.push(record);
        }
        let Some(first) = batch.first() else { return Taken::Nothing };
        state.queued_bytes -= bytes;
        state.working = Some(Working { bytes, timestamp: first.timestamp });
        Taken::Batch(batch)
    }

    pub fn end(&self, shared: &Shared) {
        let mut state = self.state.lock();
        state.finish_working(shared);
        state.ended = true;
        state.drop_queue(shared);
    }

    pub fn stored(&self, offset: i64) {
        let mut state = self.state.lock();
        state.stored = state.stored.max(Some(offset));
    }

    pub fn done(&self, offset: i64) {
        let mut state = self.state.lock();
        if state.phase != Phase::Revoked {
            state.done = state.done.max(Some(offset));
            state.stored = state.stored.max(Some(offset));
        }
    }

    pub fn rewind(&self, offset: i64, shared: &Shared) {
        let mut state = self.state.lock();
        if state.phase == Phase::Open {
            state.rewind = Some(offset);
            state.drop_queue(shared);
        }
    }

    pub fn wanted_rewind(&self) -> Option<i64> {
        self.state.lock().rewind
    }

    pub fn rewound(&self) {
        self.state.lock().rewind = None;
    }

    /// Gives out no more batches. What waits is thrown away; whoever comes next reads it again.
    pub fn drain(&self, shared: &Shared) {
        let mut state = self.state.lock();
        state.phase = Phase::Draining;
        state.drop_queue(shared);
        drop(state);
        self.leaving.cancel();
        self.arrived.notify_one();
    }

    pub fn idle(&self) -> bool {
        self.state.lock().working.is_none()
    }

    /// From now on it is another's. What is to be committed for the last time.
    pub fn fence(&self) -> Option<i64> {
        let last = {
            let mut state = self.state.lock();
            state.phase = Phase::Revoked;
            state.done.filter(|done| state.committed.is_none_or(|committed| *done > committed))
        };
        self.leaving.cancel();
        self.fenced.cancel();
        self.arrived.notify_one();
        last
    }

    /// What there is to commit.
    pub fn uncommitted(&self) -> Option<i64> {
        let state = self.state.lock();
        state
            .done
            .filter(|done| state.phase != Phase::Revoked && state.committed.is_none_or(|committed| *done > committed))
    }

    pub fn committed(&self, offset: i64) {
        let mut state = self.state.lock();
        state.committed = state.committed.max(Some(offset));
    }

    /// Whether fetching should stop or go on. `all_full`: the process holds as much as it may.
    pub fn flow(&self, all_full: bool, shared: &Shared) -> Option<Flow> {
        let state = self.state.lock();
        let full = state.held() >= shared.config.partition_bytes || (all_full && !state.queue.is_empty());
        let has_room = state.held() <= shared.config.partition_bytes / 2 && !all_full;
        match state.paused {
            false if full => Some(Flow::Pause),
            true if has_room => Some(Flow::Resume),
            _ => None,
        }
    }

    pub fn set_paused(&self, paused: bool) {
        self.state.lock().paused = paused;
    }

    pub fn broker_says(&self, offsets: BrokerOffsets) {
        self.state.lock().broker = offsets;
    }

    pub fn lag(&self) -> Lag {
        let mut state = self.state.lock();
        let BrokerOffsets { low, high, committed } = state.broker;
        // What was fetched is there, also when the statistics are older.
        let end = high.max(state.queue.back().map_or(-1, |record| record.offset + 1)).max(state.stored.unwrap_or(-1));
        let from = state.stored.unwrap_or(if committed >= 0 { committed } else { low });
        let records = if from < 0 { 0 } else { u64::try_from(end - from).unwrap_or(0) };
        let waits_since = |timestamp: i64| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
            #[allow(clippy::cast_precision_loss)] // milliseconds of this millennium are exact
            let then = timestamp as f64 / 1_000.0;
            (now - then).max(0.0)
        };
        let stored = state.stored.unwrap_or(-1);
        let oldest = state.working.as_ref().map(|working| working.timestamp);
        let oldest = oldest.or_else(|| state.queue.front().map(|record| record.timestamp)).filter(|at| *at > 0);
        if records == 0 {
            state.behind_since = None;
        } else if state.behind_since.is_none() {
            state.behind_since = Some(Instant::now());
        }
        let seconds = match (records, oldest) {
            (0, _) => 0.0,
            (_, Some(timestamp)) => waits_since(timestamp),
            (_, None) => state.behind_since.map_or(0.0, |since| since.elapsed().as_secs_f64()),
        };
        let done = state.done.unwrap_or(if committed >= 0 { committed } else { low });
        let uncommitted = if stored < 0 || done < 0 { 0 } else { u64::try_from(stored - done).unwrap_or(0) };
        let stored = state.stored.or(Some(committed)).filter(|at| *at >= 0);
        Lag { topic: Arc::clone(&self.topic), partition: self.number, records, seconds, uncommitted, stored }
    }
}

impl State {
    fn held(&self) -> usize {
        self.queued_bytes + self.working.as_ref().map_or(0, |working| working.bytes)
    }

    /// The batch in work is none any more.
    fn finish_working(&mut self, shared: &Shared) {
        if let Some(Working { bytes, .. }) = self.working.take() {
            shared.bytes.fetch_sub(bytes, Ordering::Relaxed);
            shared.idle.notify_all();
        }
    }

    fn drop_queue(&mut self, shared: &Shared) {
        shared.bytes.fetch_sub(self.queued_bytes, Ordering::Relaxed);
        self.queued_bytes = 0;
        self.queue.clear();
    }
}
