//! The lane of a partition of cursors.

use std::collections::HashMap;
use std::sync::Arc;

use chat_core::{ConversationId, ReadCursor, UserId};
use chat_kafka::{Partition, Record, decode_cursor};
use chat_ports::PortError;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::backoff::Backoff;
use crate::pipeline::Pipeline;
use crate::store_step::Leaving;

/// More at once than of events: most are overtaken by a later one of the same batch.
const BATCH_RECORDS: usize = 2_000;

type Newest = HashMap<(ConversationId, UserId), ReadCursor>;

pub async fn run(pipeline: Arc<Pipeline>, partition: Partition) {
    let fenced = partition.fenced();
    let working = async {
        while let Some(records) = partition.next(BATCH_RECORDS, pipeline.limits.batch_bytes).await {
            if batch(&pipeline, &partition, records).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = working => {}
        () = fenced.cancelled() => {}
    }
}

async fn batch(pipeline: &Pipeline, partition: &Partition, records: Vec<Record>) -> Result<(), Leaving> {
    let Some(last) = records.last() else { return Ok(()) };
    let (end, count) = (last.offset + 1, records.len() as u64);
    let mut newest = Newest::new();
    for record in &records {
        // Without a value it was taken back: by hand, since nobody else does that.
        let Some(value) = &record.value else { continue };
        match decode_cursor(value) {
            Ok(update) => {
                let cursor = newest.entry((update.conversation, update.user)).or_default();
                *cursor = cursor.merge(update.cursor);
            }
            Err(error) => pipeline.lay_aside(partition, record, error.to_string()).await?,
        }
    }
    let mut calls: FuturesUnordered<_> = newest
        .into_iter()
        .map(|((conversation, user), cursor)| put(pipeline, partition, conversation, user, cursor))
        .collect();
    while let Some(result) = calls.next().await {
        result?;
    }
    drop(calls);
    pipeline.counters.records.inc_by(count);
    partition.done(end);
    Ok(())
}

/// Until the store has it, or refuses it: the tail has it too, and the next one contains it.
async fn put(
    pipeline: &Pipeline,
    partition: &Partition,
    conversation: ConversationId,
    user: UserId,
    cursor: ReadCursor,
) -> Result<(), Leaving> {
    let mut backoff = Backoff::usual();
    loop {
        let result = {
            let _permit = pipeline.call_permits.acquire().await;
            let putting = pipeline.backends.store.put_cursor(conversation, user, cursor);
            match tokio::time::timeout(pipeline.limits.store_deadline, putting).await {
                Ok(result) => result,
                Err(_) => Err(PortError::unavailable("store", "no answer in time")),
            }
        };
        match result {
            Ok(()) => {
                pipeline.counters.cursors.inc();
                return Ok(());
            }
            Err(error) if error.retryable() => {
                pipeline.wait_for_store(&error, &mut backoff, partition).await?;
            }
            Err(error) => {
                tracing::error!(%conversation, %user, %error, "the store refuses a cursor");
                return Ok(());
            }
        }
    }
}
