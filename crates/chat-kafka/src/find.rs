//! Looking for one record among the newest of its partition.

use std::time::{Duration, Instant};

use chat_core::{ClientMsgId, ConversationId, Timestamp, UserId};
use chat_wire::LogRecord;
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::config::KafkaConfig;
use crate::failure;

const REQUEST_DEADLINE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(50);
/// Clocks of processes and servers may differ by this much, in milliseconds.
const SKEW_MS: i64 = 10_000;

/// What to look for.
pub struct Wanted {
    pub conversation: ConversationId,
    pub user: UserId,
    pub id: ClientMsgId,
    pub since: Timestamp,
}

impl Wanted {
    fn is(&self, record: &LogRecord) -> bool {
        record.conversation == self.conversation && record.actor == self.user && record.client_msg_id == Some(self.id)
    }
}

/// The offset and the first record that fits, of those up to the partition's end of now. Blocks.
///
/// # Errors
/// The brokers do not answer, or there is more than can be read within `deadline`: in words.
pub fn find(
    config: &KafkaConfig,
    topic: &str,
    wanted: &Wanted,
    deadline: Duration,
) -> Result<Option<(i64, LogRecord)>, String> {
    let begin = Instant::now();
    let because = |error: KafkaError| format!("{topic}: {error}");
    let mut client = config.client().map_err(|error| error.to_string())?;
    // The group is a name only: it is never joined, and nothing is committed to it.
    client.set("group.id", format!("{topic}-reader")).set("enable.auto.commit", "false");
    let consumer: BaseConsumer = client.create().map_err(because)?;
    let metadata = consumer.fetch_metadata(Some(topic), REQUEST_DEADLINE).map_err(because)?;
    let count =
        metadata.topics().iter().find(|known| known.name() == topic).map_or(0, |known| known.partitions().len());
    let key = wanted.conversation.to_string();
    let partition = partition_of(key.as_bytes(), count).ok_or_else(|| failure::missing(topic))?;
    let (_, end) = consumer.fetch_watermarks(topic, partition, REQUEST_DEADLINE).map_err(because)?;
    let mut from = TopicPartitionList::new();
    let time = Offset::Offset(wanted.since.plus_millis(-SKEW_MS).millis().max(0));
    from.add_partition_offset(topic, partition, time).map_err(because)?;
    let from = consumer.offsets_for_times(from, REQUEST_DEADLINE).map_err(because)?;
    let start = match from.elements().first().map(rdkafka::topic_partition_list::TopicPartitionListElem::offset) {
        Some(Offset::Offset(start)) if start < end => start,
        // Nothing is so new.
        _ => return Ok(None),
    };
    let mut assignment = TopicPartitionList::new();
    assignment.add_partition_offset(topic, partition, Offset::Offset(start)).map_err(because)?;
    consumer.assign(&assignment).map_err(because)?;
    loop {
        if begin.elapsed() > deadline {
            return Err(format!("{topic}/{partition} could not be read from {start} to {end} in time"));
        }
        let Some(record) = consumer.poll(POLL) else { continue };
        let record = record.map_err(because)?;
        if record.key() == Some(key.as_bytes())
            && let Some(found) = record.payload().and_then(|value| LogRecord::decode(value).ok())
            && wanted.is(&found)
        {
            return Ok(Some((record.offset(), found)));
        }
        if record.offset() + 1 >= end {
            return Ok(None);
        }
    }
}

/// Where the producer's `murmur2_random`, as every Kafka client, puts a key.
fn partition_of(key: &[u8], partitions: usize) -> Option<i32> {
    let count = u32::try_from(partitions).ok().filter(|count| *count > 0)?;
    i32::try_from((murmur2(key) & 0x7fff_ffff) % count).ok()
}

/// MurmurHash2 (Appleby, 2008) with Kafka's seed, as in Apache Kafka's `Utils.murmur2`.
fn murmur2(data: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let mut hash = 0x9747_b28c ^ length;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k = (k ^ (k >> 24)).wrapping_mul(M);
        hash = hash.wrapping_mul(M) ^ k;
    }
    for (at, byte) in rest.iter().enumerate() {
        hash ^= u32::from(*byte) << (8 * at);
    }
    if !rest.is_empty() {
        hash = hash.wrapping_mul(M);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases of Apache Kafka's own `UtilsTest`.
    #[test]
    fn the_hash_is_kafkas() {
        for (key, expected) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()), expected.cast_unsigned(), "{key}");
        }
        assert_eq!(partition_of(b"abc", 0), None);
        assert_eq!(partition_of(b"abc", 64), Some(479_470_107 % 64));
    }
}
