//! The flags that name the systems behind a cluster. The chat node and the writer take the same ones, and say the same
//! when they are wrong.

mod adapters;
mod address;
mod convert;
mod metrics;
mod migrate;
mod problems;

use std::path::PathBuf;

pub use adapters::{Adapters, Health, OpenError, Projection, health};
use address::host_port;
pub use migrate::{MigrateError, migrate};
pub use problems::ConfigProblems;

/// Where Redis, Kafka and Cassandra are. Without any of them a chat node runs alone.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ClusterArgs {
    /// redis://host:port, redis+sentinel://host:port,…/name or redis+cluster://host:port,…; with `rediss` over TLS
    #[arg(long, env = "ELASTIC_CHAT_REDIS", help_heading = "Cluster")]
    pub redis: Option<String>,
    #[arg(long, env = "ELASTIC_CHAT_REDIS_USERNAME", help_heading = "Cluster")]
    pub redis_username: Option<String>,
    /// Holds the password alone; it is read again for each connection
    #[arg(long, env = "ELASTIC_CHAT_REDIS_PASSWORD_FILE", help_heading = "Cluster")]
    pub redis_password_file: Option<PathBuf>,
    /// Certificates (PEM) to trust instead of the system's
    #[arg(long, env = "ELASTIC_CHAT_REDIS_CA_FILE", help_heading = "Cluster")]
    pub redis_ca_file: Option<PathBuf>,

    /// Brokers to begin with: host:port,…
    #[arg(long, env = "ELASTIC_CHAT_KAFKA", value_delimiter = ',', help_heading = "Cluster")]
    pub kafka: Vec<String>,
    /// Talk to the brokers over TLS
    #[arg(long, env = "ELASTIC_CHAT_KAFKA_TLS", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set, help_heading = "Cluster")]
    pub kafka_tls: bool,
    /// Certificates (PEM) to trust instead of the system's
    #[arg(long, env = "ELASTIC_CHAT_KAFKA_CA_FILE", help_heading = "Cluster")]
    pub kafka_ca_file: Option<PathBuf>,
    /// Log in with SASL SCRAM-SHA-512
    #[arg(long, env = "ELASTIC_CHAT_KAFKA_USERNAME", help_heading = "Cluster")]
    pub kafka_username: Option<String>,
    /// Holds the password alone
    #[arg(long, env = "ELASTIC_CHAT_KAFKA_PASSWORD_FILE", help_heading = "Cluster")]
    pub kafka_password_file: Option<PathBuf>,
    /// The generation of the log: 1, and one more for each time that it moved to new topics
    #[arg(long, env = "ELASTIC_CHAT_LOG_GENERATION", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..512), help_heading = "Cluster")]
    pub log_generation: u16,

    /// Cassandra nodes to begin with: host:port,…
    #[arg(long, env = "ELASTIC_CHAT_CASSANDRA", value_delimiter = ',', help_heading = "Cluster")]
    pub cassandra: Vec<String>,
    #[arg(long, env = "ELASTIC_CHAT_KEYSPACE", default_value = "chat", help_heading = "Cluster")]
    pub keyspace: String,
    /// The data centre whose replicas answer; else that of the first node reached
    #[arg(long, env = "ELASTIC_CHAT_CASSANDRA_DATACENTER", help_heading = "Cluster")]
    pub cassandra_datacenter: Option<String>,
    #[arg(long, env = "ELASTIC_CHAT_CASSANDRA_USERNAME", help_heading = "Cluster")]
    pub cassandra_username: Option<String>,
    /// Holds the password alone
    #[arg(long, env = "ELASTIC_CHAT_CASSANDRA_PASSWORD_FILE", help_heading = "Cluster")]
    pub cassandra_password_file: Option<PathBuf>,
    /// Talk to Cassandra over TLS, trusting these certificates (PEM)
    #[arg(long, env = "ELASTIC_CHAT_CASSANDRA_CA_FILE", help_heading = "Cluster")]
    pub cassandra_ca_file: Option<PathBuf>,
}

impl ClusterArgs {
    /// Is any of the three named?
    pub fn is_cluster(&self) -> bool {
        self.redis.is_some() || !self.kafka.is_empty() || !self.cassandra.is_empty()
    }

    /// Everything that is wrong with them, each a sentence that names its flag. Empty when they are sound.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (flag, given) in [
            ("--redis", self.redis.is_some()),
            ("--kafka", !self.kafka.is_empty()),
            ("--cassandra", !self.cassandra.is_empty()),
        ] {
            if !given {
                problems.push(format!("{flag} is missing: a cluster needs --redis, --kafka and --cassandra"));
            }
        }
        for (flag, addresses) in [("--kafka", &self.kafka), ("--cassandra", &self.cassandra)] {
            for address in addresses.iter().filter(|address| !host_port(address)) {
                problems.push(format!("{flag} {address:?} is not host:port"));
            }
        }
        let name = self.keyspace.as_bytes();
        let letters = name.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'_');
        if !letters || !name.first().is_some_and(u8::is_ascii_lowercase) || name.len() > 48 {
            problems.push(format!(
                "--keyspace {:?} must be 1 to 48 of a-z, 0-9 and _, beginning with a letter",
                self.keyspace
            ));
        }
        for (flag, user, password) in [
            ("redis", &self.redis_username, &self.redis_password_file),
            ("kafka", &self.kafka_username, &self.kafka_password_file),
            ("cassandra", &self.cassandra_username, &self.cassandra_password_file),
        ] {
            if user.is_some() && password.is_none() {
                problems.push(format!("--{flag}-username is given, and --{flag}-password-file is not"));
            }
        }
        for (flag, file) in [
            ("--redis-password-file", &self.redis_password_file),
            ("--redis-ca-file", &self.redis_ca_file),
            ("--kafka-password-file", &self.kafka_password_file),
            ("--kafka-ca-file", &self.kafka_ca_file),
            ("--cassandra-password-file", &self.cassandra_password_file),
            ("--cassandra-ca-file", &self.cassandra_ca_file),
        ] {
            if let Some(file) = file
                && let Err(error) = std::fs::read(file)
            {
                problems.push(format!("{flag} {} can't be read: {error}", file.display()));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Args {
        #[command(flatten)]
        cluster: ClusterArgs,
    }

    fn parsed(args: &[&str]) -> ClusterArgs {
        Args::try_parse_from(std::iter::once(&"test").chain(args)).expect("parses").cluster
    }

    #[test]
    fn all_three_or_none() {
        assert!(!parsed(&[]).is_cluster());
        let two = parsed(&["--redis=redis://127.0.0.1:6379", "--kafka=127.0.0.1:9092"]);
        assert!(two.is_cluster());
        assert_eq!(two.problems().len(), 1, "{:?}", two.problems());
        let all = parsed(&["--redis=redis://h:1", "--kafka=a:1,b:2", "--cassandra=c:3"]);
        assert_eq!(all.problems(), Vec::<String>::new());
        assert_eq!(all.kafka, ["a:1", "b:2"]);
    }

    #[test]
    fn every_problem_is_named() {
        let bad = parsed(&[
            "--redis=redis://h:1",
            "--kafka=nowhere",
            "--cassandra=c:99999",
            "--keyspace=1-x",
            "--kafka-username=me",
            "--redis-ca-file=/does/not/exist",
        ]);
        let problems = bad.problems();
        for flag in ["--kafka \"nowhere\"", "--cassandra", "--keyspace", "--kafka-password-file", "--redis-ca-file"] {
            assert!(problems.iter().any(|problem| problem.contains(flag)), "{flag} in {problems:?}");
        }
        assert_eq!(problems.len(), 5);
    }
}
