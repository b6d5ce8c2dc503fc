use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use chat_core::Seq;
use chat_kafka::{DeadLetter, Topics, decode_cursor};
use chat_ports::PortError;
use chat_projector::project;
use chat_wire::LogRecord;

use crate::memberships::{Change, hint, nodes};
use crate::pipeline::Backends;
use crate::tail_step::{announce, publish};

const DEADLINE: Duration = Duration::from_secs(20);

/// What came of a replay.
#[derive(Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is in the store, at its own position, and announced if its conversation's tail lacked it.
    Done,
    /// It still can't be projected, because…
    Refused(String),
}

/// Projects a dead letter again, as the record at its own position in the log.
///
/// It is not produced again: a new record would have a new position, after what came later, and others would not find it
/// where they point to. Mutations of one position come to the same however often they are applied, so a replay that broke
/// off, or ran twice, has the effect of one.
///
/// # Errors
/// A backend does not answer. Trying again is harmless.
pub async fn replay(letter: &DeadLetter, topics: &Topics, backends: &Backends) -> Result<Replayed, PortError> {
    let refused = |why: &dyn std::fmt::Display| Ok(Replayed::Refused(why.to_string()));
    let Some(value) = &letter.value else { return refused(&"it has no value") };
    if let Some(length) = letter.cut_from {
        return refused(&format_args!("it has {length} bytes, of which only the first are kept"));
    }
    if letter.place.topic == topics.cursors() {
        return match decode_cursor(value) {
            Ok(u) => settled(timed(backends.store.put_cursor(u.conversation, u.user, u.cursor)).await),
            Err(error) => refused(&error),
        };
    }
    let Some(generation) = topics.generation(&letter.place.topic) else {
        return refused(&"its topic is none of the log's");
    };
    let offset = u64::try_from(letter.place.offset).ok();
    let Some(seq) = offset.and_then(|offset| Seq::from_parts(generation, offset)) else {
        return refused(&"its offset is out of the range of positions");
    };
    let record = match LogRecord::decode(value) {
        Ok(record) => record,
        Err(error) => return refused(&error),
    };
    match settled(timed(backends.store.apply(project(&record, seq))).await)? {
        Replayed::Done => {}
        why @ Replayed::Refused(_) => return Ok(why),
    }
    let (conversation, changes) = (record.conversation, Change::of(&record));
    let event = match serde_json::to_vec(&record.into_event(seq)) {
        Ok(json) => Bytes::from(json),
        Err(error) => return refused(&error),
    };
    // How far the store has come in this conversation is not known here: nothing is marked.
    let repaired = timed(backends.tail.repair(conversation, vec![(seq, event)], Seq::ZERO)).await?;
    let mut hints = HashMap::new();
    if !repaired.appended.is_empty() {
        for change in changes {
            hint(change, nodes(backends, change.user, DEADLINE).await?, &mut hints);
        }
    }
    announce(conversation, repaired, &mut hints);
    publish(backends.tail.as_ref(), hints, DEADLINE).await;
    Ok(Replayed::Done)
}

fn settled(result: Result<(), PortError>) -> Result<Replayed, PortError> {
    match result {
        Ok(()) => Ok(Replayed::Done),
        Err(error) if error.retryable() => Err(error),
        Err(error) => Ok(Replayed::Refused(error.to_string())),
    }
}

async fn timed<T>(call: impl Future<Output = Result<T, PortError>>) -> Result<T, PortError> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(result) => result,
        Err(_) => Err(PortError::unavailable("the backend", "no answer in 20 s")),
    }
}
