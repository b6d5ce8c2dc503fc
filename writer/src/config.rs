//! The writer's configuration: flags over environment over defaults, checked as a whole at start.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chat_cluster::{ClusterArgs, ConfigProblems};
use chat_core::NodeId;
use chat_kafka::{ConsumerConfig, KafkaConfig};

use crate::pipeline::Limits;

/// Flags of `writer run`. Each has an environment variable `ELASTIC_CHAT_…`.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// This writer's name in logs, at the brokers and on the admin port
    #[arg(long, env = "ELASTIC_CHAT_WRITER_ID", default_value = "writer-1")]
    pub writer_id: NodeId,
    /// Where /livez, /readyz, /metrics and /load answer; never expose it
    #[arg(long, env = "ELASTIC_CHAT_ADMIN", default_value = "127.0.0.1:9190")]
    pub admin: SocketAddr,
    /// Holds the tokens, one a line, that /load asks for; read again for each call. Without it that answers only to this
    /// machine
    #[arg(long, env = "ELASTIC_CHAT_ADMIN_TOKEN_FILE")]
    pub admin_token_file: Option<PathBuf>,
    /// The consumer group that shares the partitions
    #[arg(long, env = "ELASTIC_CHAT_WRITER_GROUP", default_value = "chat-writer")]
    pub group: String,
    /// A name that comes back after a restart (a StatefulSet's pod): its partitions then wait for it. Leave it out where
    /// names are new each time (a Deployment): the others take the partitions at once
    #[arg(long, env = "ELASTIC_CHAT_WRITER_INSTANCE_ID")]
    pub instance_id: Option<NodeId>,
    /// The group protocol of brokers before 4.0
    #[arg(long, env = "ELASTIC_CHAT_WRITER_CLASSIC_PROTOCOL", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub classic_protocol: bool,
    /// Batches that the store works on at a time
    #[arg(long, env = "ELASTIC_CHAT_WRITER_CONCURRENCY", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
    /// Milliseconds from one batch of a partition to the next, while they are less than half full: how long records gather
    /// before they are stored. 0 stores each at once, at several times the cost
    #[arg(long, env = "ELASTIC_CHAT_WRITER_BATCH_INTERVAL_MS", default_value_t = 500, value_parser = clap::value_parser!(u16).range(0..=5_000))]
    pub batch_interval_ms: u16,
    /// MiB of records that may wait or be in work
    #[arg(long, env = "ELASTIC_CHAT_WRITER_MEMORY_MIB", default_value_t = 64, value_parser = clap::value_parser!(u16).range(8..=4096))]
    pub memory_mib: u16,
    /// Seconds that batches in work get when the writer stops or a partition goes to another
    #[arg(long, env = "ELASTIC_CHAT_WRITER_DRAIN_SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=45))]
    pub drain_seconds: u16,
    /// text or json
    #[arg(long, env = "ELASTIC_CHAT_LOG_FORMAT", default_value = "text", value_parser = ["text", "json"])]
    pub log_format: String,
    /// What to log, as in RUST_LOG
    #[arg(long, env = "ELASTIC_CHAT_LOG", default_value = "info")]
    pub log: String,
}

/// What a running writer is made with.
#[derive(Debug, Clone)]
pub struct Settings {
    pub writer_id: String,
    pub admin: SocketAddr,
    pub admin_token_file: Option<PathBuf>,
    pub consumer: ConsumerConfig,
    pub limits: Limits,
}

impl Config {
    /// Checks what single values can't tell.
    ///
    /// # Errors
    /// All problems at once.
    pub fn settings(&self) -> Result<Settings, ConfigProblems> {
        let mut problems = self.cluster.problems();
        if let Some(file) = &self.admin_token_file
            && let Err(error) = service_kit::admin::check_token_file(file)
        {
            problems.push(format!("--admin-token-file: {error}"));
        }
        if !problems.is_empty() {
            return Err(ConfigProblems(problems));
        }
        let consumer = ConsumerConfig {
            kafka: self.kafka(),
            group: self.group.clone(),
            instance_id: self.instance_id.as_ref().map(|id| id.as_str().to_owned()),
            classic_protocol: self.classic_protocol,
            total_bytes: usize::from(self.memory_mib) << 20,
            revoke_budget: Duration::from_secs(u64::from(self.drain_seconds)),
            ..ConsumerConfig::default()
        };
        let limits = Limits {
            store_batches: usize::from(self.concurrency),
            batch_interval: Duration::from_millis(u64::from(self.batch_interval_ms)),
            ..Limits::default()
        };
        Ok(Settings {
            writer_id: self.writer_id.as_str().to_owned(),
            admin: self.admin,
            admin_token_file: self.admin_token_file.clone(),
            consumer,
            limits,
        })
    }

    fn kafka(&self) -> KafkaConfig {
        self.cluster.kafka(self.writer_id.as_str())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Args {
        #[command(flatten)]
        config: Config,
    }

    fn config(args: &[&str]) -> Config {
        Args::try_parse_from(std::iter::once(&"writer").chain(args)).expect("parses").config
    }

    #[test]
    fn all_problems_are_listed_at_once() {
        let flags = ["--kafka=nowhere", "--admin-token-file=/does/not/exist"];
        let problems = config(&flags).settings().expect_err("four problems").0;
        assert_eq!(problems.len(), 4, "{problems:?}");
    }

    #[test]
    fn flags_become_settings() {
        let flags = ["--kafka=a:1,b:2", "--redis=redis://h:1", "--cassandra=c:3", "--writer-id=w-7", "--memory-mib=32"];
        let settings = config(&flags).settings().expect("sound");
        assert_eq!(settings.consumer.kafka.brokers, ["a:1", "b:2"]);
        assert_eq!(settings.consumer.kafka.client_id, "w-7");
        assert_eq!((settings.consumer.total_bytes, settings.consumer.instance_id), (32 << 20, None));
    }
}
