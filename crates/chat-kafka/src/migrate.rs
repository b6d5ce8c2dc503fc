use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::config::{ConfigError, KafkaConfig};
use crate::probe::diagnose;
use crate::trouble::{Trouble, library_log};

const REQUEST: Duration = Duration::from_secs(15);
/// How long new topics may take until every partition has a leader.
const SETTLE: Duration = Duration::from_secs(20);
const DEAD_PARTITIONS: i32 = 8;
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Why the topics are not as they should be.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("Kafka at {addresses} does not answer: {detail}")]
    Unavailable { addresses: String, detail: String },
    #[error("Kafka refused to create {topic}: {detail}")]
    Refused { topic: String, detail: String },
    #[error(
        "{topic} has {found} partitions, not {wanted}. A conversation's partition follows from their number, so it is never changed: go on with {found}, or begin a new generation"
    )]
    Partitions { topic: String, found: usize, wanted: i32 },
}

struct Quiet(Arc<Trouble>);

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, text: &str) {
        library_log(level, facility, text);
    }
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(error.rdkafka_error_code().unwrap_or(Code::Unknown), reason);
    }
}

struct Wanted {
    name: String,
    partitions: i32,
    settings: Vec<(&'static str, String)>,
}

fn wanted(config: &KafkaConfig, partitions: i32, replication: i32) -> Vec<Wanted> {
    let topics = config.topics();
    let in_sync = if replication >= 3 { "2" } else { "1" };
    let common = |retention_ms: u64, max_bytes: usize| {
        vec![
            ("min.insync.replicas", in_sync.to_owned()),
            ("retention.ms", retention_ms.to_string()),
            ("max.message.bytes", max_bytes.to_string()),
            // The brokers' clock: retention and lag do not depend on the clocks of many nodes.
            ("message.timestamp.type", "LogAppendTime".to_owned()),
            ("unclean.leader.election.enable", "false".to_owned()),
        ]
    };
    let mut cursors = common(7 * DAY_MS, crate::MAX_RECORD_BYTES);
    // The newest of each key stays, the store has the rest. Not at once: two nodes may write the lower one last.
    cursors.push(("cleanup.policy", "compact,delete".to_owned()));
    cursors.push(("min.compaction.lag.ms", (60 * 60 * 1000).to_string()));
    vec![
        Wanted {
            name: topics.events(config.generation),
            partitions,
            settings: common(7 * DAY_MS, crate::MAX_RECORD_BYTES),
        },
        Wanted { name: topics.cursors(), partitions, settings: cursors },
        Wanted {
            name: topics.dead(),
            partitions: DEAD_PARTITIONS,
            settings: common(30 * DAY_MS, crate::dead::MAX_LETTER_BYTES),
        },
    ]
}

/// Creates the topics that are missing, and says for each what was done. Safe to repeat and to run twice at a time.
///
/// `partitions` (64) of the events and cursors topics, `replication` (3) of all; with three replicas or more an
/// acknowledged record is on two. Topics that are there are left as they are.
///
/// # Errors
/// No broker answers, a topic is refused, or a topic has another number of partitions.
pub async fn migrate(config: &KafkaConfig, partitions: i32, replication: i32) -> Result<Vec<String>, MigrateError> {
    let trouble = Arc::new(Trouble::default());
    let admin: AdminClient<Quiet> =
        config.client()?.create_with_context(Quiet(Arc::clone(&trouble))).map_err(ConfigError::from)?;
    let admin = Arc::new(admin);
    let unavailable = |error: &dyn std::fmt::Display| MigrateError::Unavailable {
        addresses: config.addresses(),
        // Blocks for a second, at the end of a command that failed.
        detail: format!(
            "{} ({})",
            diagnose(&config.brokers, config.tls),
            trouble.recent().unwrap_or_else(|| error.to_string())
        ),
    };
    let wanted = wanted(config, partitions, replication);
    let mut report = Vec::new();
    let known = partition_counts(&admin).await.map_err(|error| unavailable(&error))?;
    let missing: Vec<&Wanted> =
        wanted.iter().filter(|topic| !known.iter().any(|(name, _)| *name == topic.name)).collect();
    if !missing.is_empty() {
        let new: Vec<NewTopic<'_>> = missing
            .iter()
            .map(|topic| {
                let new = NewTopic::new(&topic.name, topic.partitions, TopicReplication::Fixed(replication));
                topic.settings.iter().fold(new, |new, (key, value)| new.set(key, value))
            })
            .collect();
        let options = AdminOptions::new().request_timeout(Some(REQUEST)).operation_timeout(Some(REQUEST));
        for result in admin.create_topics(&new, &options).await.map_err(|error| unavailable(&error))? {
            match result {
                Ok(name) => report.push(format!("created {name}")),
                // Somebody else did, at the same time.
                Err((name, Code::TopicAlreadyExists)) => report.push(format!("{name} is there")),
                Err((topic, code)) => return Err(MigrateError::Refused { topic, detail: advice(code, replication) }),
            }
        }
    }
    let begin = Instant::now();
    loop {
        let found = partition_counts(&admin).await.map_err(|error| unavailable(&error))?;
        let count = |topic: &Wanted| found.iter().find(|(name, _)| *name == topic.name).map(|(_, count)| *count);
        let led = |topic: &Wanted| count(topic).is_some_and(|count| count.led == count.all && count.all > 0);
        let present = |topic: &Wanted| count(topic).is_some_and(|count| count.all > 0);
        if wanted.iter().all(present) && missing.iter().all(|topic| led(topic)) {
            for topic in &wanted {
                let found = count(topic).map_or(0, |count| count.all);
                if usize::try_from(topic.partitions) != Ok(found) {
                    return Err(MigrateError::Partitions {
                        topic: topic.name.clone(),
                        found,
                        wanted: topic.partitions,
                    });
                }
                if !missing.iter().any(|missing| missing.name == topic.name) {
                    report.push(format!("{} is there", topic.name));
                }
            }
            return Ok(report);
        }
        if begin.elapsed() > SETTLE {
            return Err(unavailable(&"new topics are not known to the brokers yet: run it again"));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn advice(code: Code, replication: i32) -> String {
    match code {
        Code::InvalidReplicationFactor => format!("there are fewer than {replication} brokers for its replicas"),
        Code::TopicAuthorizationFailed | Code::ClusterAuthorizationFailed => {
            "this user lacks the ACL Create on the topic or the cluster".to_owned()
        }
        code => code.to_string(),
    }
}

#[derive(Clone, Copy)]
struct Partitions {
    all: usize,
    /// Those with a leader.
    led: usize,
}

/// The partitions of all topics.
async fn partition_counts(admin: &Arc<AdminClient<Quiet>>) -> Result<Vec<(String, Partitions)>, KafkaError> {
    let admin = Arc::clone(admin);
    let asking = tokio::task::spawn_blocking(move || {
        let metadata = admin.inner().fetch_metadata(None, REQUEST)?;
        let topic = |topic: &rdkafka::metadata::MetadataTopic| {
            let partitions = topic.partitions();
            let led = partitions.iter().filter(|partition| partition.leader() >= 0).count();
            (topic.name().to_owned(), Partitions { all: partitions.len(), led })
        };
        Ok(metadata.topics().iter().map(topic).collect())
    });
    asking.await.unwrap_or(Err(KafkaError::Canceled))
}
