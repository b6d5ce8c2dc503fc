//! Which partition of a timeline a position is in: that of the greatest bucket at or below it.
//!
//! A bucket is announced as pending, and opened only if nothing was written at or above it. Who writes rows reads the
//! buckets *after* its rows are written. So either the opener finds those rows and gives up, or the writer finds the
//! bucket: it then aborts a pending one, or writes its rows once more to where they belong. Both ends of that are
//! lightweight transactions on the one row, so that they decide alike. No clock and no lease is part of it.

use std::sync::Arc;
use std::time::Duration;

use chat_core::{ConversationId, Seq};
use chat_ports::PortError;
use moka::future::Cache;

use crate::config::BucketLimits;
use crate::connection::Connection;

/// The open buckets of a timeline, ascending. The first is 0, which needs no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping(Arc<[i64]>);

impl Default for Mapping {
    fn default() -> Self {
        Self(Arc::from([0]))
    }
}

impl Mapping {
    pub fn of(&self, position: Seq) -> i64 {
        let above = self.0.partition_point(|bucket| *bucket <= position.as_i64());
        self.0[above.saturating_sub(1)]
    }

    pub fn newest(&self) -> i64 {
        self.0[self.0.len() - 1]
    }

    /// From the bucket of `position` down, each with the position at which it ends.
    pub fn down_from(&self, position: Seq) -> impl Iterator<Item = (i64, i64)> {
        let count = self.0.partition_point(|bucket| *bucket <= position.as_i64()).max(1);
        (0..count).rev().map(|at| (self.0[at], self.end(at)))
    }

    /// From the bucket of `position` up.
    pub fn up_from(&self, position: Seq) -> impl Iterator<Item = (i64, i64)> {
        let first = self.0.partition_point(|bucket| *bucket <= position.as_i64()).max(1) - 1;
        (first..self.0.len()).map(|at| (self.0[at], self.end(at)))
    }

    fn end(&self, at: usize) -> i64 {
        self.0.get(at + 1).copied().unwrap_or(i64::MAX)
    }
}

/// About how much the newest bucket holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Fill {
    pub bucket: i64,
    pub rows: u64,
    pub bytes: u64,
    /// What is at or below was counted.
    pub up_to: Seq,
}

/// What this process knows of buckets. Never trusted for the newest one without a look.
pub struct Mappings {
    known: Cache<ConversationId, Mapping>,
    fills: Cache<ConversationId, Fill>,
    limits: BucketLimits,
}

const CONVERSATIONS: u64 = 200_000;
const IDLE: Duration = Duration::from_mins(30);
/// Buckets of one look: pending ones are among the newest, and older ones never change.
const LOOK: i32 = 16;

impl Mappings {
    pub fn new(limits: BucketLimits) -> Self {
        Self {
            known: Cache::builder().max_capacity(CONVERSATIONS).time_to_idle(IDLE).build(),
            fills: Cache::builder().max_capacity(CONVERSATIONS).time_to_idle(IDLE).build(),
            limits,
        }
    }

    pub async fn known(&self, conversation: ConversationId) -> Option<Mapping> {
        self.known.get(&conversation).await
    }

    pub async fn put_fill(&self, conversation: ConversationId, fill: Fill) {
        self.fills.insert(conversation, fill).await;
    }
}

/// The buckets as they are now, and those that were announced.
pub struct Look {
    pub mapping: Mapping,
    pub pending: Vec<i64>,
}

type BucketRow = (i64, Option<String>);

/// Reads the buckets.
pub async fn look(connection: &Connection, conversation: ConversationId) -> Result<Look, PortError> {
    let mappings = &connection.mappings;
    let known = mappings.known(conversation).await;
    let read = async |most: i32| {
        connection.all::<BucketRow>(&connection.statements.newest_buckets, (conversation.uuid(), most)).await
    };
    let mut rows = read(LOOK).await?;
    let reaches = |rows: &[BucketRow]| {
        known.as_ref().is_some_and(|known| rows.last().is_some_and(|(bucket, _)| *bucket <= known.newest()))
    };
    if rows.len() == usize::try_from(LOOK).unwrap_or(usize::MAX) && !reaches(&rows) {
        rows = read(i32::MAX).await?;
    }
    let is = |state: &Option<String>, wanted| state.as_deref() == Some(wanted);
    let pending = rows.iter().filter(|(_, state)| is(state, "pending")).map(|(bucket, _)| *bucket).collect();
    let mut open: Vec<_> = rows.iter().filter(|(_, state)| is(state, "open")).map(|(bucket, _)| *bucket).collect();
    open.extend(known.iter().flat_map(|known| known.0.iter()));
    open.push(0);
    open.sort_unstable();
    open.dedup();
    let mapping = match known {
        Some(known) if *known.0 == *open => known,
        _ => {
            let mapping = Mapping(open.into());
            mappings.known.insert(conversation, mapping.clone()).await;
            mapping
        }
    };
    Ok(Look { mapping, pending })
}

/// What is known, or a look.
pub async fn known_or_look(connection: &Connection, conversation: ConversationId) -> Result<Mapping, PortError> {
    match connection.mappings.known(conversation).await {
        Some(mapping) => Ok(mapping),
        None => Ok(look(connection, conversation).await?.mapping),
    }
}

/// A look by somebody who has written rows up to `highest`: aborts a bucket that was announced at or below them.
pub async fn look_after(
    connection: &Connection,
    conversation: ConversationId,
    highest: Seq,
) -> Result<Mapping, PortError> {
    let seen = look(connection, conversation).await?;
    let mut opened = false;
    for bucket in seen.pending.into_iter().filter(|bucket| *bucket <= highest.as_i64()) {
        // Not applied: the other side was first, and it is open.
        opened |= !settle(connection, conversation, bucket, "aborted").await?;
    }
    if opened { Ok(look(connection, conversation).await?.mapping) } else { Ok(seen.mapping) }
}

/// False when it was settled before.
async fn settle(
    connection: &Connection,
    conversation: ConversationId,
    bucket: i64,
    state: &str,
) -> Result<bool, PortError> {
    let values = (state, conversation.uuid(), bucket);
    Ok(connection.settle(&connection.statements.settle_bucket, values).await?.applied)
}

/// Highest position counted, bucket, rows, bytes.
type FillRow = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);

/// How full the newest bucket was when its conversation was last written to.
pub async fn fill(connection: &Connection, conversation: ConversationId) -> Result<Fill, PortError> {
    if let Some(fill) = connection.mappings.fills.get(&conversation).await {
        return Ok(fill);
    }
    let row: Option<FillRow> = connection.first(&connection.statements.fill, (conversation.uuid(),)).await?;
    let (last, bucket, rows, bytes) = row.unwrap_or_default();
    let count = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
    Ok(Fill {
        bucket: bucket.unwrap_or(0),
        rows: count(rows),
        bytes: count(bytes),
        up_to: Seq::from_i64(last.unwrap_or(0)),
    })
}

impl Fill {
    /// Counts a row of `bytes` at `position`, unless it was counted before.
    pub fn add(&mut self, mapping: &Mapping, position: Seq, bytes: usize) {
        let newest = mapping.newest();
        if self.bucket != newest {
            *self = Self { bucket: newest, rows: 0, bytes: 0, up_to: self.up_to };
        }
        if position > self.up_to && position.as_i64() >= newest {
            self.rows += 1;
            self.bytes += bytes as u64;
        }
    }
}

impl Connection {
    pub fn is_full(&self, fill: &Fill) -> bool {
        fill.rows >= self.mappings.limits.rows || fill.bytes >= self.mappings.limits.bytes
    }
}

/// The highest position of which anything is in a bucket's partitions.
async fn highest(connection: &Connection, conversation: ConversationId, bucket: i64) -> Result<i64, PortError> {
    let (statements, key) = (&connection.statements, (conversation.uuid(), bucket));
    let message = connection.first::<(i64,)>(&statements.last_message, key);
    let reaction = connection.first::<(i64,)>(&statements.last_reaction, key);
    let (message, reaction) = futures_util::future::try_join(message, reaction).await?;
    Ok(message.max(reaction).map_or(0, |(seq,)| seq))
}

/// Opens a bucket above everything that was written. False when somebody wrote above it meanwhile: the next try finds a
/// place further up.
pub async fn open(
    connection: &Connection,
    conversation: ConversationId,
    mapping: &Mapping,
    up_to: Seq,
) -> Result<bool, PortError> {
    let newest = mapping.newest();
    let bucket = highest(connection, conversation, newest).await?.max(up_to.as_i64()) + 1;
    let key = (conversation.uuid(), bucket);
    if !connection.transaction(&connection.statements.announce_bucket, key).await?.applied {
        return Ok(false);
    }
    let seen = look(connection, conversation).await?;
    // One at a time: else a lower one could open after a higher one, below what readers take for settled. What a process
    // that died announced goes, too.
    let mut alone = seen.mapping.newest() == newest;
    for other in seen.pending.into_iter().filter(|other| *other != bucket) {
        settle(connection, conversation, other, "aborted").await?;
        alone = false;
    }
    let free = alone && highest(connection, conversation, newest).await? < bucket;
    let settled = settle(connection, conversation, bucket, if free { "open" } else { "aborted" }).await?;
    look(connection, conversation).await?;
    Ok(free && settled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_in_the_greatest_bucket_at_or_below_it() {
        let mapping = Mapping(Arc::from([0, 10, 30]));
        let of = |seq| mapping.of(Seq::new(seq));
        assert_eq!([0, 9, 10, 29, 30, 99].map(of), [0, 0, 10, 10, 30, 30]);
        assert_eq!(mapping.down_from(Seq::new(29)).collect::<Vec<_>>(), [(10, 30), (0, 10)]);
        assert_eq!(mapping.up_from(Seq::new(10)).collect::<Vec<_>>(), [(10, 30), (30, i64::MAX)]);
        assert_eq!(mapping.up_from(Seq::ZERO).count(), 3);
    }
}
