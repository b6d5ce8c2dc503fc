//! One reading of the partitions that are asked about, each from the time that is asked about to its end.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use chat_wire::LogRecord;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;

use super::partition::partition_of;
use super::{Asked, Unknown};
use crate::config::KafkaConfig;
use crate::failure;

const REQUEST_DEADLINE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);
/// Clocks of processes and servers may differ by this much, in milliseconds.
const SKEW_MS: i64 = 10_000;

/// A consumer of no group.
pub struct Reader {
    consumer: BaseConsumer,
    topic: String,
}

/// What is read of one partition, and for whom: by the record's key.
#[derive(Default)]
struct Part {
    /// Milliseconds.
    since: i64,
    end: i64,
    asked: HashMap<Vec<u8>, Vec<Asked>>,
}

impl Part {
    fn answer_rest(self, answer: &super::Answer) {
        self.asked.into_values().flatten().for_each(|asked| asked.answer(answer.clone()));
    }

    fn take(&mut self, record: &BorrowedMessage<'_>) {
        let Some(asked) = record.key().and_then(|key| self.asked.get_mut(key)) else { return };
        let Some(found) = record.payload().and_then(|value| LogRecord::decode(value).ok()) else { return };
        while let Some(at) = asked.iter().position(|asked| asked.wanted.is(&found)) {
            asked.swap_remove(at).answer(Ok(Some((record.offset(), found.clone()))));
        }
    }
}

type Parts = HashMap<i32, Part>;

impl Reader {
    pub fn open(config: &KafkaConfig, topic: &str) -> Result<Self, Unknown> {
        let mut client = config.client().map_err(|error| Unknown::Refused(error.to_string()))?;
        // The group is a name only: it is never joined, and nothing is committed to it.
        client.set("group.id", format!("{topic}-reader")).set("enable.auto.commit", "false");
        client.set("enable.partition.eof", "true");
        let consumer = client.create().map_err(|error| because(topic, &error))?;
        Ok(Self { consumer, topic: topic.to_owned() })
    }

    /// Answers all of them before `deadline` and a little. False when there was trouble.
    pub fn answer(&self, asked: Vec<Asked>, deadline: Instant) -> bool {
        let mut parts = Parts::new();
        let outcome = self.partitions().and_then(|count| {
            for asked in asked {
                let key = asked.wanted.conversation.to_string().into_bytes();
                let since = asked.wanted.since.plus_millis(-SKEW_MS).millis().max(0);
                let Some(partition) = partition_of(&key, count) else { continue };
                let part = parts.entry(partition).or_insert_with(|| Part { since, ..Part::default() });
                part.since = part.since.min(since);
                part.asked.entry(key).or_default().push(asked);
            }
            self.begin(&mut parts)?;
            self.read(&mut parts, deadline)
        });
        let _ = self.consumer.unassign();
        match outcome {
            Ok(()) => true,
            Err(unknown) => {
                parts.into_values().for_each(|part| part.answer_rest(&Err(unknown.clone())));
                false
            }
        }
    }

    fn partitions(&self) -> Result<usize, Unknown> {
        let metadata = self.consumer.fetch_metadata(Some(&self.topic), REQUEST_DEADLINE);
        let metadata = metadata.map_err(|error| because(&self.topic, &error))?;
        let known = metadata.topics().iter().find(|known| known.name() == self.topic);
        match known.map_or(0, |known| known.partitions().len()) {
            0 => Err(Unknown::Away(failure::missing(&self.topic))),
            count => Ok(count),
        }
    }

    /// Finds out where each partition begins and ends, and begins to fetch. Those with nothing to read are answered.
    fn begin(&self, parts: &mut Parts) -> Result<(), Unknown> {
        let starts = self.offsets(parts, |part| part.since)?;
        let ends = self.offsets(parts, |_| LATEST)?;
        let mut assignment = TopicPartitionList::new();
        let all: Vec<i32> = parts.keys().copied().collect();
        for partition in all {
            let (start, end) = (starts.get(&partition).copied(), ends.get(&partition).copied());
            let known = parts.get_mut(&partition).zip(end).zip(start.filter(|start| Some(*start) < end));
            if let Some(((part, end), start)) = known {
                part.end = end;
                let added = assignment.add_partition_offset(&self.topic, partition, Offset::Offset(start));
                added.map_err(|error| because(&self.topic, &error))?;
            } else if let Some(part) = parts.remove(&partition) {
                // Nothing is so new.
                part.answer_rest(&Ok(None));
            }
        }
        self.consumer.assign(&assignment).map_err(|error| because(&self.topic, &error))
    }

    /// The first offset of each partition at or after a time; none where nothing is so new. One request for each leader.
    fn offsets(&self, parts: &Parts, time: impl Fn(&Part) -> i64) -> Result<HashMap<i32, i64>, Unknown> {
        let because = |error: KafkaError| because(&self.topic, &error);
        let mut times = TopicPartitionList::new();
        for (partition, part) in parts {
            let time = match time(part) {
                LATEST => Offset::End,
                time => Offset::Offset(time),
            };
            times.add_partition_offset(&self.topic, *partition, time).map_err(because)?;
        }
        let found = self.consumer.offsets_for_times(times, REQUEST_DEADLINE).map_err(because)?;
        let mut offsets = HashMap::new();
        for element in found.elements() {
            element.error().map_err(because)?;
            if let Offset::Offset(offset) = element.offset() {
                offsets.insert(element.partition(), offset);
            }
        }
        Ok(offsets)
    }

    fn read(&self, parts: &mut Parts, deadline: Instant) -> Result<(), Unknown> {
        let mut heard = false;
        while !parts.is_empty() {
            if Instant::now() > deadline {
                let late = format!("{}: {} partitions could not be read in time", self.topic, parts.len());
                return Err(if heard { Unknown::TooMuch(late) } else { Unknown::Away(late) });
            }
            let ended = match self.consumer.poll(POLL) {
                None => continue,
                Some(Err(KafkaError::PartitionEOF(partition))) => partition,
                Some(Err(error)) => return Err(because(&self.topic, &error)),
                Some(Ok(record)) => {
                    heard = true;
                    let Some(part) = parts.get_mut(&record.partition()) else { continue };
                    if record.offset() < part.end {
                        part.take(&record);
                    }
                    if record.offset() + 1 < part.end {
                        continue;
                    }
                    record.partition()
                }
            };
            if let Some(part) = parts.remove(&ended) {
                part.answer_rest(&Ok(None));
            }
        }
        Ok(())
    }
}

/// Stands for a time after everything.
const LATEST: i64 = i64::MAX;

fn because(topic: &str, error: &KafkaError) -> Unknown {
    let detail = format!("{topic}: {error}");
    match error.rdkafka_error_code() {
        Some(Code::TopicAuthorizationFailed | Code::GroupAuthorizationFailed | Code::ClusterAuthorizationFailed) => {
            Unknown::Refused(detail)
        }
        _ => Unknown::Away(detail),
    }
}
