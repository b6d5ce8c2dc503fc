use std::collections::HashMap;
use std::sync::Arc;

use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;
use serde::Deserialize;

use super::ConsumerConfig;
use super::lane::BrokerOffsets;
use super::thread::Shared;
use crate::config::ConfigError;

/// What the library calls back, always on the consumer's own thread and inside a poll.
pub struct Callbacks(pub Arc<Shared>);

pub fn settings(config: &ConsumerConfig) -> Result<ClientConfig, ConfigError> {
    let mut client = config.kafka.client()?;
    for (name, value) in [
        // Commits are made here, and by nobody else.
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        // A new group begins at the beginning.
        ("auto.offset.reset", "earliest"),
        ("fetch.wait.max.ms", "200"),
        ("fetch.error.backoff.ms", "100"),
        ("fetch.max.bytes", "16777216"),
        ("queued.min.messages", "5000"),
        ("queued.max.messages.kbytes", "16384"),
        // A partition that goes has this long at most, and a thread that hangs is noticed.
        ("max.poll.interval.ms", "60000"),
        ("statistics.interval.ms", "2000"),
    ] {
        client.set(name, value);
    }
    client.set("group.id", &config.group);
    if config.classic_protocol {
        client.set("partition.assignment.strategy", "cooperative-sticky").set("session.timeout.ms", "10000");
    } else {
        client.set("group.protocol", "consumer");
    }
    if let Some(id) = &config.instance_id {
        client.set("group.instance.id", id);
    }
    Ok(client)
}

impl ClientContext for Callbacks {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        self.0.trouble.log(level, facility, text);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.trouble.note(error.rdkafka_error_code().unwrap_or(Code::Unknown), reason);
    }
    fn stats_raw(&self, json: &[u8]) {
        match serde_json::from_slice::<Statistics>(json) {
            Ok(statistics) => statistics.tell(&self.0),
            Err(error) => tracing::debug!(%error, "statistics of the Kafka client are not readable"),
        }
    }
}

impl ConsumerContext for Callbacks {
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(partitions) => self.0.assign(&places(partitions)),
            Rebalance::Revoke(partitions) => self.0.revoke(&places(partitions), consumer.assignment_lost()),
            Rebalance::Error(error) => tracing::warn!(%error, "a rebalance failed"),
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        self.0.committed(&result, offsets);
    }
}

fn places(partitions: &TopicPartitionList) -> Vec<(String, i32)> {
    partitions.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

/// The part of the library's statistics that is of use here.
#[derive(Deserialize)]
struct Statistics {
    #[serde(default)]
    brokers: HashMap<String, Broker>,
    #[serde(default)]
    topics: HashMap<String, Topic>,
}

#[derive(Deserialize)]
struct Broker {
    state: String,
}

#[derive(Deserialize)]
struct Topic {
    partitions: HashMap<i32, Offsets>,
}

#[derive(Deserialize)]
struct Offsets {
    #[serde(rename = "lo_offset")]
    low: i64,
    #[serde(rename = "hi_offset")]
    high: i64,
    #[serde(rename = "committed_offset")]
    committed: i64,
}

impl Statistics {
    fn tell(&self, shared: &Shared) {
        if self.brokers.values().any(|broker| broker.state == "UP") {
            shared.reachable();
        }
        for (topic, Topic { partitions }) in &self.topics {
            for (partition, Offsets { low, high, committed }) in partitions {
                if let Some(lane) = shared.lane(topic, *partition) {
                    lane.broker_says(BrokerOffsets { low: *low, high: *high, committed: *committed });
                }
            }
        }
    }
}
