//! The lane of a partition of events.
//!
//! Two marks move along the partition. The *store mark*: everything below is in the store. The *done mark*: everything
//! below is in the store and went through the tail step; it alone is committed. While the tail is away the store mark goes
//! on. When the tail is back, what lies between is read again, past the store, for the tail alone. So memory stays
//! bounded however long the tail is away, and a crash in between only makes the next owner read more.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::{ConversationId, Seq};
use chat_kafka::{Partition, Record};
use chat_wire::LogRecord;
use tokio::time::Instant;

use crate::backoff::Backoff;
use crate::memberships::Change;
use crate::pipeline::Pipeline;
use crate::recent::Recent;
use crate::store_step::{Item, Leaving};
use crate::tail_step::Group;

const TAIL_BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

struct Lane {
    pipeline: Arc<Pipeline>,
    partition: Partition,
    /// The store mark. 0 before the first batch.
    stored: i64,
    owed: Option<Owed>,
    recent: Recent,
    /// Records below the store mark that the store does not have: dead letters, not to be announced.
    dead: BTreeSet<i64>,
}

/// The first batch whose tail step did not succeed. It is tried again until it does.
struct Owed {
    groups: Vec<Group>,
    /// Where the batch ended.
    end: i64,
    next_try: Instant,
    backoff: Backoff,
    /// Later batches went into the store without a tail step.
    behind: bool,
}

pub async fn run(pipeline: Arc<Pipeline>, partition: Partition) {
    let fenced = partition.fenced();
    let lane = Lane { pipeline, partition, stored: 0, owed: None, recent: Recent::default(), dead: BTreeSet::new() };
    tokio::select! {
        () = lane.run() => {}
        // Whatever is under way may be done or not: everything here can be repeated by the next owner.
        () = fenced.cancelled() => {}
    }
}

impl Lane {
    async fn run(mut self) {
        let limits = self.pipeline.limits;
        let mut not_before = Instant::now();
        loop {
            let batch = match &self.owed {
                None => self.next(not_before).await,
                Some(owed) => tokio::select! {
                    batch = self.next(not_before) => batch,
                    () = tokio::time::sleep_until(owed.next_try) => {
                        self.try_owed().await;
                        continue;
                    }
                },
            };
            let Some(records) = batch else { return };
            let full = records.len() >= limits.batch_records / 2;
            let began = Instant::now();
            if self.batch(records).await.is_err() {
                return;
            }
            not_before = if full { began } else { began + limits.batch_interval };
            // A busy partition must not keep the owed batch waiting.
            if self.owed.as_ref().is_some_and(|owed| owed.next_try <= Instant::now()) {
                self.try_owed().await;
            }
        }
    }

    /// Each conversation of a batch costs the store the same few requests, however many of its records are in it. So records
    /// gather for a moment, unless the lane is behind. Nobody waits for them: the tail has them.
    async fn next(&self, not_before: Instant) -> Option<Vec<Record>> {
        let leaving = self.partition.leaving();
        tokio::select! {
            () = tokio::time::sleep_until(not_before) => {}
            () = leaving.cancelled() => {}
        }
        let limits = self.pipeline.limits;
        self.partition.next(limits.batch_records, limits.batch_bytes).await
    }

    async fn batch(&mut self, records: Vec<Record>) -> Result<(), Leaving> {
        let Some(last) = records.last() else { return Ok(()) };
        let (end, count) = (last.offset + 1, records.len() as u64);
        let mut items = Vec::with_capacity(records.len());
        for raw in records {
            match self.decode(&raw) {
                Ok((seq, record)) => items.push(Item { raw, seq, record }),
                // Read again for the tail: it was laid aside before.
                Err(_) if raw.offset < self.stored => {}
                Err(error) => self.pipeline.lay_aside(&self.partition, &raw, error).await?,
            }
        }
        let new = items.partition_point(|item| item.raw.offset < self.stored);
        self.dead.extend(self.pipeline.store(&self.partition, &items[new..]).await?);
        if end > self.stored {
            self.stored = end;
            self.partition.stored(end);
            self.pipeline.counters.records.inc_by(count);
        }
        items.retain(|item| !self.dead.contains(&item.raw.offset));
        if let Some(owed) = &mut self.owed {
            owed.behind = true;
            return Ok(());
        }
        let groups = self.groups(items);
        self.settle(groups, end).await;
        Ok(())
    }

    fn decode(&self, raw: &Record) -> Result<(Seq, LogRecord), String> {
        let seq = raw.seq(self.partition.source()).ok_or("its offset is out of the range of positions")?;
        let value = raw.value.as_deref().ok_or("it has no value")?;
        Ok((seq, LogRecord::decode(value).map_err(|error| error.to_string())?))
    }

    /// By conversation, in the log's order.
    fn groups(&mut self, items: Vec<Item>) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        let mut places: HashMap<ConversationId, usize> = HashMap::new();
        for Item { seq, record, .. } in items {
            let conversation = record.conversation;
            let superseded = self.recent.superseded(&record, seq);
            let place = *places.entry(conversation).or_insert_with(|| {
                groups.push(Group { conversation, events: Vec::new(), changes: Vec::new(), persisted: seq });
                groups.len() - 1
            });
            groups[place].persisted = seq;
            if superseded {
                self.pipeline.counters.superseded.inc();
                continue;
            }
            groups[place].changes.extend(Change::of(&record).map(|change| (seq, change)));
            match serde_json::to_vec(&record.into_event(seq)) {
                Ok(json) => groups[place].events.push((seq, Bytes::from(json))),
                Err(error) => tracing::error!(%conversation, %seq, %error, "an event could not be encoded"),
            }
        }
        groups
    }

    /// The tail step of a batch, and then the done mark.
    async fn settle(&mut self, groups: Vec<Group>, end: i64) {
        let groups = self.pipeline.repair(groups).await;
        if groups.is_empty() {
            self.done(end);
            return;
        }
        let mut backoff = Backoff::new(TAIL_BACKOFF.0, TAIL_BACKOFF.1);
        let next_try = Instant::now() + backoff.pause();
        self.owed = Some(Owed { groups, end, next_try, backoff, behind: false });
    }

    async fn try_owed(&mut self) {
        let Some(mut owed) = self.owed.take() else { return };
        owed.groups = self.pipeline.repair(std::mem::take(&mut owed.groups)).await;
        if !owed.groups.is_empty() {
            owed.next_try = Instant::now() + owed.backoff.pause();
            self.owed = Some(owed);
            return;
        }
        self.done(owed.end);
        if owed.behind {
            self.pipeline.counters.rewinds.inc();
            self.partition.rewind(owed.end);
        }
    }

    fn done(&mut self, end: i64) {
        self.partition.done(end);
        self.dead = self.dead.split_off(&end);
    }
}
