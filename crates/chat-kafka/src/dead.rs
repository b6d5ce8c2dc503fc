//! What could not be projected: kept with the reason, until somebody has dealt with it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_ports::PortError;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _, OwnedHeaders};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::sync::oneshot;

use crate::check::TopicCheck;
use crate::config::{ConfigError, KafkaConfig};
use crate::producer::{Producer, Waiting};
use crate::trouble::{Listening, Trouble};
use crate::{BACKEND, failure, headers};

/// A record of the log at its largest, and what is said about it.
pub const MAX_LETTER_BYTES: usize = crate::MAX_RECORD_BYTES + 1024 * 1024;
const ANSWER_DEADLINE: Duration = Duration::from_secs(8);
const RETRY: Duration = Duration::from_millis(100);
const METADATA_DEADLINE: Duration = Duration::from_secs(10);

const TOPIC: &str = "dead.topic";
const PARTITION: &str = "dead.partition";
const OFFSET: &str = "dead.offset";
const KEY: &str = "dead.key";
const ERROR: &str = "dead.error";
const RESOLVED: &str = "dead.resolved";
/// How long the value was, when only its beginning is kept.
const CUT: &str = "dead.cut";
/// More of a key, of one header with its name, and of all of them, is left out: a letter that is too large would be
/// refused for ever, and its partition with it.
const MOST_KEY: usize = 64 * 1024;
const MOST_HEADERS: usize = 256 * 1024;
const MOST_ERROR: usize = 4 * 1024;

/// Where a record was in the log: `chat.events/5/1234`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.topic, self.partition, self.offset)
    }
}

/// The text is not topic/partition/offset.
#[derive(Debug, thiserror::Error)]
#[error("is not a place such as chat.events/5/1234")]
pub struct PlaceError;

impl FromStr for Place {
    type Err = PlaceError;
    fn from_str(text: &str) -> Result<Self, PlaceError> {
        let mut parts = text.rsplitn(3, '/');
        let offset = parts.next().and_then(|part| part.parse().ok()).ok_or(PlaceError)?;
        let partition = parts.next().and_then(|part| part.parse().ok()).ok_or(PlaceError)?;
        let topic = parts.next().filter(|topic| !topic.is_empty()).ok_or(PlaceError)?.to_owned();
        Ok(Self { topic, partition, offset })
    }
}

/// A record that could not be projected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    pub place: Place,
    pub key: Option<Bytes>,
    pub value: Option<Bytes>,
    /// The headers that it had.
    pub headers: Vec<(String, Bytes)>,
    pub error: String,
    /// How long the value was, when it is larger than any record of the log may be: `value` is its beginning then.
    pub cut_from: Option<usize>,
    /// When it was laid here, by the brokers' clock, in milliseconds after 1970.
    pub at: i64,
}

/// `chat.dead`. A letter is written again whenever its record is read again, and counts once: it is known by its place.
pub struct DeadLetters {
    producer: Producer,
    topic: String,
    check: TopicCheck,
    config: KafkaConfig,
}

/// Why the dead letters can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("cannot read {topic} from {addresses}: {detail}")]
    Kafka { topic: String, addresses: String, detail: String },
}

impl DeadLetters {
    /// # Errors
    /// The configuration can't be right; brokers that are away are no error.
    pub fn open(config: &KafkaConfig) -> Result<Self, ConfigError> {
        let topic = config.topics().dead();
        Ok(Self {
            producer: Producer::open(config, MAX_LETTER_BYTES)?,
            check: TopicCheck::new(topic.clone()),
            topic,
            config: config.clone(),
        })
    }

    /// Lays a record down, durably. Of what no record of the log may be, the beginning.
    pub async fn put(&self, letter: &DeadLetter) -> Result<(), PortError> {
        let (mut all, mut room) = (OwnedHeaders::new(), MOST_HEADERS);
        for (name, value) in &letter.headers {
            let Some(left) = room.checked_sub(name.len() + value.len()) else { continue };
            room = left;
            all = all.insert(rdkafka::message::Header { key: name, value: Some(value.as_ref()) });
        }
        let Place { topic, partition, offset } = &letter.place;
        all = headers::with(all, TOPIC, topic);
        all = headers::with(all, PARTITION, &partition.to_string());
        all = headers::with(all, OFFSET, &offset.to_string());
        all = headers::with(all, ERROR, &letter.error[..letter.error.floor_char_boundary(MOST_ERROR)]);
        if let Some(key) = &letter.key {
            let key = key.get(..MOST_KEY).unwrap_or(key);
            all = all.insert(rdkafka::message::Header { key: KEY, value: Some(key) });
        }
        let value = letter.value.as_deref();
        let kept = value.map(|value| value.get(..crate::MAX_RECORD_BYTES).unwrap_or(value));
        if let (Some(value), Some(kept)) = (value, kept)
            && kept.len() < value.len()
        {
            all = headers::with(all, CUT, &value.len().to_string());
        }
        self.write(&letter.place, kept, all).await
    }

    /// Says that the record of this place has been dealt with.
    pub async fn resolve(&self, place: &Place) -> Result<(), PortError> {
        self.write(place, None, headers::with(OwnedHeaders::new(), RESOLVED, "replayed")).await
    }

    /// Can letters be kept? For readiness.
    pub async fn check(&self) -> Result<(), PortError> {
        self.check.ask(&self.producer).await
    }

    pub async fn close(&self) {
        self.producer.close(ANSWER_DEADLINE).await;
    }

    async fn write(&self, place: &Place, value: Option<&[u8]>, headers: OwnedHeaders) -> Result<(), PortError> {
        let failed = |code| {
            failure::of_record(code, &self.topic, |detail| {
                self.producer.trouble.explain(&self.producer.addresses(), detail)
            })
        };
        let (sender, receiver) = oneshot::channel();
        self.producer.send(&self.topic, &place.to_string(), value, headers, Waiting::For(sender)).map_err(failed)?;
        match tokio::time::timeout(ANSWER_DEADLINE, receiver).await {
            Ok(Ok(Ok(_))) => Ok(()),
            Ok(Ok(Err(code))) => Err(failed(code)),
            Ok(Err(_)) => Err(failed(Code::PurgeQueue)),
            Err(_) => Err(PortError::unavailable(BACKEND, "no answer in time")),
        }
    }

    /// The letters that nobody has dealt with, by place. Reads the whole topic up to its end of now.
    ///
    /// `keep_values` false leaves the values out, for a list.
    pub async fn scan(&self, keep_values: bool, deadline: Duration) -> Result<Vec<DeadLetter>, ScanError> {
        let (config, topic) = (self.config.clone(), self.topic.clone());
        let reading = tokio::task::spawn_blocking(move || read_all(&config, &topic, keep_values, deadline));
        reading.await.unwrap_or_else(|_| Err(self.unreadable("the process is shutting down")))
    }

    fn unreadable(&self, detail: impl fmt::Display) -> ScanError {
        ScanError::Kafka { topic: self.topic.clone(), addresses: self.config.addresses(), detail: detail.to_string() }
    }
}

fn read_all(
    config: &KafkaConfig,
    topic: &str,
    keep_values: bool,
    deadline: Duration,
) -> Result<Vec<DeadLetter>, ScanError> {
    let failed = |detail: String| ScanError::Kafka { topic: topic.to_owned(), addresses: config.addresses(), detail };
    let trouble = Arc::new(Trouble::default());
    let because = |error: KafkaError| match trouble.complaint() {
        Some(complaint) => failed(complaint),
        None => failed(error.to_string()),
    };
    let begin = Instant::now();
    let mut client = config.client()?;
    // The group is a name only: it is never joined, and nothing is committed to it.
    client.set("group.id", format!("{topic}-reader")).set("enable.auto.commit", "false");
    let consumer: BaseConsumer<Listening> =
        client.create_with_context(Listening(Arc::clone(&trouble))).map_err(ConfigError::from)?;
    let metadata = consumer.fetch_metadata(Some(topic), METADATA_DEADLINE).map_err(|error| {
        hear(&consumer);
        because(error)
    })?;
    let partitions = metadata.topics().iter().find(|known| known.name() == topic).map(|known| known.partitions().len());
    let partitions = partitions.filter(|count| *count > 0).ok_or_else(|| failed(failure::missing(topic)))?;
    let mut left: BTreeMap<i32, i64> = BTreeMap::new();
    let mut assignment = TopicPartitionList::new();
    for partition in (0..).take(partitions) {
        let (low, high) = loop {
            match consumer.fetch_watermarks(topic, partition, METADATA_DEADLINE) {
                Ok(marks) => break marks,
                // A leader that was just chosen, or is just being: after a broker's end, and for a topic made now.
                Err(error) if moving(&error) && begin.elapsed() < deadline => std::thread::sleep(RETRY),
                Err(error) => return Err(because(error)),
            }
        };
        if high > low {
            left.insert(partition, high);
            assignment.add_partition_offset(topic, partition, Offset::Offset(low)).map_err(because)?;
        }
    }
    consumer.assign(&assignment).map_err(because)?;
    let mut letters = BTreeMap::new();
    while !left.is_empty() {
        if begin.elapsed() > deadline {
            return Err(failed(format!("not finished within {} s", deadline.as_secs())));
        }
        let Some(record) = consumer.poll(Duration::from_millis(200)) else { continue };
        let record = record.map_err(because)?;
        if left.get(&record.partition()).is_some_and(|end| record.offset() + 1 >= *end) {
            left.remove(&record.partition());
        }
        let Some(place) = record.key().and_then(|key| std::str::from_utf8(key).ok()?.parse::<Place>().ok()) else {
            continue;
        };
        match letter(&record, place, keep_values) {
            Ok(letter) => letters.insert(letter.place.clone(), letter),
            Err(resolved) => letters.remove(&resolved),
        };
    }
    Ok(letters.into_values().collect())
}

/// The reason for a failure waits in the client's queue.
pub fn hear<C: ConsumerContext>(consumer: &BaseConsumer<C>) {
    for _ in 0..20 {
        drop(consumer.poll(Duration::ZERO));
    }
}

fn moving(error: &KafkaError) -> bool {
    let codes = [Code::NotLeaderForPartition, Code::LeaderNotAvailable, Code::UnknownPartition];
    error.rdkafka_error_code().is_some_and(|code| codes.contains(&code))
}

/// The letter, or the place that has been dealt with.
fn letter(record: &rdkafka::message::BorrowedMessage<'_>, place: Place, keep_value: bool) -> Result<DeadLetter, Place> {
    let mut letter = DeadLetter {
        place,
        key: None,
        value: record.payload().filter(|_| keep_value).map(Bytes::copy_from_slice),
        headers: Vec::new(),
        error: String::new(),
        cut_from: None,
        at: record.timestamp().to_millis().unwrap_or(0),
    };
    for header in record.headers().into_iter().flat_map(|headers| headers.iter()) {
        let value = Bytes::copy_from_slice(header.value.unwrap_or_default());
        match header.key {
            RESOLVED => return Err(letter.place),
            TOPIC | PARTITION | OFFSET => {}
            KEY => letter.key = Some(value),
            CUT => letter.cut_from = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok()),
            ERROR => letter.error = String::from_utf8_lossy(&value).into_owned(),
            name => letter.headers.push((name.to_owned(), value)),
        }
    }
    Ok(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_round_trip() {
        let place = Place { topic: "chat.events.g2".into(), partition: 5, offset: 1234 };
        assert_eq!(place.to_string(), "chat.events.g2/5/1234");
        assert_eq!(place.to_string().parse::<Place>().expect("a place"), place);
        for bad in ["", "chat.events", "chat.events/1", "/1/2", "chat.events/x/2", "chat.events/1/"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
