use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chat_core::{ConversationId, Seq};
use chat_kafka::{KafkaConfig, KafkaLog, migrate};
use chat_ports::MessageLog;
use chat_ports::contract::log::LogFixture;
use chat_wire::LogRecord;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use uuid::Uuid;

pub fn broker() -> String {
    std::env::var("ELASTIC_CHAT_TEST_KAFKA")
        .unwrap_or_else(|_| panic!("set ELASTIC_CHAT_TEST_KAFKA=127.0.0.1:PORT, or run ./dev test"))
}

/// The topics of all tests that need none of their own.
pub fn shared() -> KafkaConfig {
    KafkaConfig { brokers: vec![broker()], topic_prefix: "chat-kafka-tests".into(), ..KafkaConfig::default() }
}

/// Topics that only this test knows.
pub fn own() -> KafkaConfig {
    KafkaConfig { topic_prefix: format!("t-{}", Uuid::new_v4().simple()), ..shared() }
}

pub async fn made(config: KafkaConfig, partitions: i32) -> KafkaConfig {
    migrate(&config, partitions, 1).await.expect("topics");
    config
}

/// A log, and where its topic ended before.
pub struct Rig {
    log: Arc<KafkaLog>,
    reader: Reader,
}

pub async fn rig() -> Rig {
    let config = made(shared(), 4).await;
    let reader = Reader::at_end(&config.topics().events(1));
    Rig { log: Arc::new(KafkaLog::open(&config).expect("opens")), reader }
}

#[async_trait]
impl LogFixture for Rig {
    fn log(&self) -> Arc<dyn MessageLog> {
        Arc::clone(&self.log) as _
    }

    async fn records(&self, conversation: ConversationId) -> Vec<(Seq, LogRecord)> {
        let all = self.reader.read().into_iter();
        all.map(|(offset, value)| (offset, LogRecord::decode(&value).expect("readable")))
            .filter(|(_, record)| record.conversation == conversation)
            .map(|(offset, record)| (Seq::from_parts(1, offset).expect("in range"), record))
            .collect()
    }
}

/// Reads a topic from a place to its end.
pub struct Reader {
    topic: String,
    from: Vec<i64>,
}

pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(40), waiting).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

const DEADLINE: Duration = Duration::from_secs(20);

impl Reader {
    fn client() -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", broker())
            .set("group.id", "reader-of-tests")
            .set("enable.auto.commit", "false")
            .create()
            .expect("a client")
    }

    fn ends(client: &BaseConsumer, topic: &str) -> Vec<i64> {
        let metadata = client.fetch_metadata(Some(topic), DEADLINE).expect("metadata");
        let count = metadata.topics()[0].partitions().len();
        (0..).take(count).map(|p| client.fetch_watermarks(topic, p, DEADLINE).expect("watermarks").1).collect()
    }

    pub fn at_end(topic: &str) -> Self {
        Self { topic: topic.to_owned(), from: Self::ends(&Self::client(), topic) }
    }

    /// Offsets and values, by partition.
    pub fn read(&self) -> Vec<(u64, Vec<u8>)> {
        let client = Self::client();
        let ends = Self::ends(&client, &self.topic);
        let mut assignment = TopicPartitionList::new();
        let mut left = 0;
        for ((partition, from), end) in (0..).zip(&self.from).zip(&ends) {
            assignment.add_partition_offset(&self.topic, partition, Offset::Offset(*from)).expect("an offset");
            left += end - from;
        }
        client.assign(&assignment).expect("assigned");
        let mut records = Vec::new();
        while left > 0 {
            let record = client.poll(DEADLINE).expect("in time").expect("a record");
            if record.offset() < ends[usize::try_from(record.partition()).expect("small")] {
                left -= 1;
                let offset = u64::try_from(record.offset()).expect("positive");
                records.push((record.partition(), offset, record.payload().expect("a value").to_vec()));
            }
        }
        records.sort_unstable_by_key(|(partition, offset, _)| (*partition, *offset));
        records.into_iter().map(|(_, offset, value)| (offset, value)).collect()
    }
}
