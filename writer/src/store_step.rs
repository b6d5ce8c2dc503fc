//! Into the store: for ever when it is away, and without the one record that it refuses.

use std::ops::Range;
use std::sync::atomic::Ordering;
use std::time::Instant;

use chat_core::Seq;
use chat_kafka::{Partition, Record};
use chat_ports::PortError;
use chat_projector::project;
use chat_wire::LogRecord;

use crate::backoff::Backoff;
use crate::pipeline::Pipeline;

/// After this many refused records without one that was taken, it is the store that is wrong: a missing table, a user
/// without rights. Nothing is laid aside then; the writer waits.
const REFUSED_AT_MOST: u32 = 20;

/// The partition goes to another member, which reads what is not committed.
#[derive(Debug, Clone, Copy)]
pub struct Leaving;

/// A record that could be read.
pub struct Item {
    pub raw: Record,
    pub seq: Seq,
    pub record: LogRecord,
}

impl Pipeline {
    /// Until the store has all of `items`, or each that it lacks is a dead letter. Returns the offsets of those.
    ///
    /// # Errors
    /// The store is away, and the partition is about to go.
    pub async fn store(&self, partition: &Partition, items: &[Item]) -> Result<Vec<i64>, Leaving> {
        let mut refused = Vec::new();
        // The last range comes first.
        let mut ranges = Vec::new();
        ranges.push(Range { start: 0, end: items.len() });
        let mut backoff = Backoff::usual();
        while let Some(range) = ranges.pop() {
            let part = &items[range.clone()];
            if part.is_empty() {
                continue;
            }
            match self.apply(part).await {
                Ok(()) => {
                    backoff.reset();
                    self.store_health.works();
                    self.refused_in_a_row.store(0, Ordering::Relaxed);
                }
                Err(error) if error.retryable() => {
                    self.wait_for_store(&error, &mut backoff, partition).await?;
                    ranges.push(range);
                }
                Err(_) if part.len() > 1 => {
                    let middle = range.start + part.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(error) if self.refused_in_a_row.fetch_add(1, Ordering::Relaxed) >= REFUSED_AT_MOST => {
                    let all =
                        PortError::unavailable("store", format!("it refuses every record, lately because: {error}"));
                    self.wait_for_store(&all, &mut backoff, partition).await?;
                    ranges.push(range);
                }
                Err(error) => {
                    self.lay_aside(partition, &part[0].raw, error.to_string()).await;
                    refused.push(part[0].raw.offset);
                }
            }
        }
        Ok(refused)
    }

    /// A pause before the next attempt.
    ///
    /// # Errors
    /// The partition is about to go: there should be none.
    pub async fn wait_for_store(
        &self,
        error: &PortError,
        backoff: &mut Backoff,
        partition: &Partition,
    ) -> Result<(), Leaving> {
        self.counters.store_retries.inc();
        self.store_health.fails(error);
        tokio::select! {
            () = tokio::time::sleep(backoff.pause()) => Ok(()),
            () = partition.leaving().cancelled_owned() => Err(Leaving),
        }
    }

    async fn apply(&self, items: &[Item]) -> Result<(), PortError> {
        let mutations: Vec<_> = items.iter().flat_map(|item| project(&item.record, item.seq)).collect();
        let rows = mutations.len() as u64;
        let _permit = self.store_permits.acquire().await;
        let begin = Instant::now();
        match tokio::time::timeout(self.limits.store_deadline, self.backends.store.apply(mutations)).await {
            Ok(Ok(())) => {
                self.counters.batches.inc();
                self.counters.batch_seconds.inc_by(begin.elapsed().as_secs_f64());
                self.counters.rows.inc_by(rows);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(PortError::unavailable("store", "no answer in time")),
        }
    }
}
