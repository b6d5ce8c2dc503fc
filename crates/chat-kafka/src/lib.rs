//! The log in Kafka.
//!
//! * [`KafkaLog`] is the [`MessageLog`](chat_ports::MessageLog) of the nodes: an idempotent producer whose answers become
//!   futures.
//! * [`Consumer`] is the writer's way in: one stream for each partition, commits that a revoked partition cannot make, and
//!   bounds in bytes.
//! * [`DeadLetters`] keeps what the writer could not project; [`migrate`] makes the topics.
//!
//! Topics, settings and what to do when something is wrong: `docs/reference/kafka.md`.

mod advice;
mod check;
mod config;
mod consumer;
mod cursor;
mod dead;
mod failure;
mod headers;
mod log;
mod migrate;
mod producer;
mod search;
mod topics;
mod trouble;

pub use config::{ConfigError, KafkaConfig};
pub use consumer::{Consumer, ConsumerConfig, ConsumerStatus, Lag, Partition, Record, Source};
pub use cursor::{DecodeCursorError, decode as decode_cursor};
pub use dead::{DeadLetter, DeadLetters, Place, ScanError};
pub use headers::TRACEPARENT;
pub use log::KafkaLog;
pub use migrate::{MigrateError, migrate};
pub use topics::Topics;

/// The largest record that the log takes, in bytes.
pub const MAX_RECORD_BYTES: usize = 2 * 1024 * 1024;
/// What Kafka is called in errors.
const BACKEND: &str = "Kafka";
