//! Appending, repairing and reading events.

use bytes::Bytes;
use chat_core::{ConversationId, Epoch, Rev, Seq};
use chat_ports::{Appended, PortError, Repaired, Since, TailEvent, TailHead};
use rand::RngExt as _;
use redis::Value;
use serde::de::IgnoredAny;

use super::RedisTail;
use crate::counters::count;
use crate::failure::{corrupt, unavailable};
use crate::keys::TailKeys;
use crate::leases::take;
use crate::request::Request;
use crate::scripts;

/// Events that stay although the store has them.
const KEPT: u32 = 300;
/// Events that may be there at all. What is cut off beyond is in the log still, and on its way to the store.
const CAP: u32 = 10_000;
/// How long a tail lives without an append, in seconds: 7 days.
pub(super) const TAIL_TTL_S: u32 = 7 * 86_400;
/// How long registrations live without a register, a comparison or an append, in seconds: 30 days. Those of dead nodes
/// go before, when somebody meets them.
pub(super) const NODES_TTL_S: u32 = 30 * 86_400;
/// Most events that `since` gives.
const MOST_SINCE: usize = 2_000;
/// Events read in one command.
const PAGE: usize = 500;
/// Events and bytes of one call of the repair.
const REPAIR_EVENTS: usize = 256;
const REPAIR_BYTES: usize = 1024 * 1024;
/// How often `newer_than` begins again when the tail was trimmed while it read.
const ATTEMPTS: usize = 3;

/// A random name for a new life of a tail.
pub(super) fn new_epoch() -> String {
    format!("{:016x}", rand::rng().random::<u64>())
}

fn epoch(text: String) -> Result<Epoch, PortError> {
    Epoch::try_from(text).map_err(|error| corrupt(format_args!("an epoch: {error}")))
}

/// Reads epoch, rev, last_seq and persisted.
pub(super) fn head(parts: &mut impl Iterator<Item = Value>) -> Result<TailHead, PortError> {
    Ok(TailHead {
        epoch: epoch(take(parts.next())?)?,
        rev: Rev::new(take(parts.next())?),
        last_seq: Seq::new(take(parts.next())?),
        persisted: Seq::new(take(parts.next())?),
    })
}

pub(super) fn parts(answer: Value) -> Result<std::vec::IntoIter<Value>, PortError> {
    Ok(answer.into_sequence().map_err(|_| corrupt("an answer of a script is not a list"))?.into_iter())
}

/// An entry `rev-seq` of the stream with its one field.
fn entry(value: &Value) -> Option<TailEvent> {
    let [id, fields] = value.as_sequence()? else { return None };
    let id: String = redis::from_redis_value_ref(id).ok()?;
    let (rev, seq) = id.split_once('-')?;
    let [name, event] = fields.as_sequence()? else { return None };
    let (Value::BulkString(name), Value::BulkString(event)) = (name, event) else { return None };
    // Nodes pass it on as it is: what is no JSON would break the frames it goes into.
    if name != b"e" || !event.starts_with(b"{") || serde_json::from_slice::<IgnoredAny>(event).is_err() {
        return None;
    }
    let (rev, seq) = (Rev::new(rev.parse().ok()?), Seq::new(seq.parse().ok()?));
    Some(TailEvent { rev, seq, event: Bytes::copy_from_slice(event) })
}

/// The rev of an entry, also when the rest is not readable.
fn rev_of(value: &Value) -> Option<u64> {
    let id: String = redis::from_redis_value_ref(value.as_sequence()?.first()?).ok()?;
    id.split_once('-')?.0.parse().ok()
}

impl RedisTail {
    /// What is not readable is left out and counted.
    pub(super) fn decode(&self, conversation: ConversationId, entries: &[Value]) -> Vec<TailEvent> {
        let events: Vec<_> = entries.iter().filter_map(entry).collect();
        let damaged = entries.len() - events.len();
        if damaged > 0 {
            count(&self.redis.inner.counters.undecodable, damaged);
            tracing::warn!(%conversation, damaged, "entries of the tail are not readable and were skipped");
        }
        events
    }

    pub(super) async fn read_head(&self, conversation: ConversationId) -> Result<TailHead, PortError> {
        let keys = TailKeys::of(conversation);
        let request = Request::script(&scripts::POSITION, &keys.all());
        let answer =
            self.redis.call(&request.arg(new_epoch()).arg(TAIL_TTL_S).arg("").arg(NODES_TTL_S).with_life()).await?;
        head(&mut parts(answer)?)
    }

    pub(super) async fn append_event(
        &self,
        conversation: ConversationId,
        seq: Seq,
        event: &Bytes,
    ) -> Result<Appended, PortError> {
        let keys = TailKeys::of(conversation);
        let request = Request::script(&scripts::APPEND, &keys.all());
        let request = request.arg(seq.get()).arg(&event[..]).arg(new_epoch());
        let request = request.arg(TAIL_TTL_S).arg(KEPT).arg(CAP).arg(NODES_TTL_S).with_life();
        let mut parts = parts(self.redis.call(&request).await?)?;
        let epoch = epoch(take(parts.next())?)?;
        let rev = Rev::new(take(parts.next())?);
        let fresh = take::<u8>(parts.next())? == 1;
        let nodes = self.alive_nodes(conversation, take(parts.next())?).await;
        Ok(Appended { epoch, rev, nodes, fresh })
    }

    pub(super) async fn repair_events(
        &self,
        conversation: ConversationId,
        events: &[(Seq, Bytes)],
        persisted: Seq,
    ) -> Result<Repaired, PortError> {
        let mut appended = Vec::new();
        let mut life = None;
        let mut rest = events;
        loop {
            let mut bytes = 0;
            let fits = rest.iter().take(REPAIR_EVENTS).take_while(|(_, event)| {
                bytes += event.len();
                bytes <= REPAIR_BYTES
            });
            let (now, later) = rest.split_at(fits.count().max(1).min(rest.len()));
            // Only the last call may say what is persisted: nothing that is still to come may count as trimmed.
            let persisted = if later.is_empty() { persisted } else { Seq::ZERO };
            let mut part = self.repair_part(conversation, now, persisted).await?;
            if life.replace(part.epoch.clone()).is_some_and(|life| life != part.epoch) {
                // It was lost in between: revs of its former life mean nothing.
                appended.clear();
            }
            appended.append(&mut part.appended);
            if later.is_empty() {
                return Ok(Repaired { appended, ..part });
            }
            rest = later;
        }
    }

    async fn repair_part(
        &self,
        conversation: ConversationId,
        events: &[(Seq, Bytes)],
        persisted: Seq,
    ) -> Result<Repaired, PortError> {
        let keys = TailKeys::of(conversation);
        let request = Request::script(&scripts::REPAIR, &keys.all());
        let mut request = request.arg(new_epoch()).arg(TAIL_TTL_S).arg(KEPT).arg(CAP).arg(persisted.get());
        for (seq, event) in events {
            request = request.arg(seq.get()).arg(&event[..]);
        }
        let mut parts = parts(self.redis.call(&request.with_life()).await?)?;
        let epoch = epoch(take(parts.next())?)?;
        let nodes = self.alive_nodes(conversation, take(parts.next())?).await;
        let numbers: Vec<u64> = take(parts.next())?;
        let appended = numbers.chunks_exact(2).map(|pair| (Rev::new(pair[0]), Seq::new(pair[1])));
        let appended = appended.filter_map(|(rev, seq)| {
            let (_, event) = events.iter().find(|(known, _)| *known == seq)?;
            Some(TailEvent { rev, seq, event: event.clone() })
        });
        let appended = appended.collect();
        Ok(Repaired { epoch, nodes, appended })
    }

    pub(super) async fn raise_persisted(&self, conversation: ConversationId, seq: Seq) -> Result<(), PortError> {
        let keys = TailKeys::of(conversation);
        let request = Request::script(&scripts::PERSISTED, &keys.events()).arg(seq.get()).arg(KEPT).arg(CAP);
        self.redis.call(&request).await.map(|_| ())
    }

    pub(super) async fn events_since(
        &self,
        conversation: ConversationId,
        epoch: &Epoch,
        rev: Rev,
        limit: usize,
    ) -> Result<Since, PortError> {
        let keys = TailKeys::of(conversation);
        let request = Request::script(&scripts::SINCE, &keys.events()).arg(new_epoch()).arg(TAIL_TTL_S);
        let request = request.arg(epoch.as_str()).arg(rev.get()).arg(limit.min(MOST_SINCE)).with_life();
        let mut parts = parts(self.redis.call(&request).await?)?;
        let head = head(&mut parts)?;
        let Some(entries) = parts.next().and_then(|entries| entries.into_sequence().ok()) else {
            return Ok(Since::Gap { head });
        };
        let events = self.decode(conversation, &entries);
        // Trimmed, evicted or damaged: whatever is missing makes it a gap.
        let dense = events.iter().zip(rev.get() + 1..).all(|(event, rev)| event.rev.get() == rev);
        let all = u64::try_from(events.len()).ok() == head.rev.get().checked_sub(rev.get());
        Ok(if dense && all { Since::Events { head, events } } else { Since::Gap { head } })
    }

    pub(super) async fn events_above(
        &self,
        conversation: ConversationId,
        after: Seq,
    ) -> Result<Vec<TailEvent>, PortError> {
        for _ in 0..ATTEMPTS {
            let keys = TailKeys::of(conversation);
            let request = Request::script(&scripts::NEWER, &[&keys.head, &keys.seqs]).arg(after.get());
            let numbers: Vec<u64> = take(Some(self.redis.call(&request).await?))?;
            let [expected, lowest, lost, persisted] = <[u64; 4]>::try_from(numbers).map_err(|_| corrupt("newer"))?;
            if lost > after.get().max(persisted) {
                return Err(unavailable(format_args!(
                    "the tail of {conversation} was cut at {CAP} events before the store had them; is the writer behind?"
                )));
            }
            if expected == 0 {
                return Ok(Vec::new());
            }
            let (seen, mut events) = self.pages_from(conversation, &keys, lowest, after).await?;
            if seen >= expected {
                events.sort_by_key(|event| event.seq);
                return Ok(events);
            }
        }
        Err(unavailable(format_args!("the tail of {conversation} changed while it was read")))
    }

    /// All entries from a rev on: how many have a seq above `after`, readable or not, and those that are readable.
    async fn pages_from(
        &self,
        conversation: ConversationId,
        keys: &TailKeys,
        lowest: u64,
        after: Seq,
    ) -> Result<(u64, Vec<TailEvent>), PortError> {
        let (mut from, mut seen, mut events) = (lowest, 0, Vec::new());
        loop {
            let request = Request::command("XRANGE", &keys.tail).arg(from).arg("+").arg("COUNT").arg(PAGE);
            let entries = self.redis.call(&request).await?;
            let entries = entries.as_sequence().unwrap_or_default();
            let decoded = self.decode(conversation, entries);
            seen += (entries.len() - decoded.len()) as u64;
            let above: Vec<_> = decoded.into_iter().filter(|event| event.seq > after).collect();
            seen += above.len() as u64;
            events.extend(above);
            match entries.last().and_then(rev_of) {
                Some(last) if entries.len() == PAGE => from = last + 1,
                _ => return Ok((seen, events)),
            }
        }
    }
}
