use std::path::{Path, PathBuf};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::topics::Topics;

/// How to reach the brokers.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// `host:port` of brokers to begin with.
    pub brokers: Vec<String>,
    /// Which generation of the log is written, 1 to 511.
    pub generation: u16,
    /// The name of this process in the brokers' logs, and the `origin` of its records.
    pub client_id: String,
    pub tls: bool,
    /// Certificates (PEM) to trust instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// With a password, SASL SCRAM-SHA-512.
    pub username: Option<String>,
    pub password_file: Option<PathBuf>,
    /// What the topics' names begin with.
    pub topic_prefix: String,
    /// Records that may wait for the brokers, 1 to 10,000,000; one more is answered with `Full`.
    pub queue_messages: u32,
    /// The same in KiB.
    pub queue_kib: u32,
    /// How long a record is tried, 1 s to 24 days. Long, so that it is not this that gives up on one: a record that times out
    /// while it is on its way makes librdkafka begin a new epoch and send what else was on its way once more, and that the
    /// brokers take twice. Who waits for an answer may stop waiting long before; what waits is bounded by the queue.
    pub delivery_timeout: Duration,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        Self {
            brokers: Vec::new(),
            generation: 1,
            client_id: "elastic-chat".into(),
            tls: false,
            ca_file: None,
            username: None,
            password_file: None,
            topic_prefix: "chat".into(),
            queue_messages: 100_000,
            queue_kib: 64 * 1024,
            delivery_timeout: Duration::from_hours(24),
        }
    }
}

/// What is wrong with a [`KafkaConfig`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("no Kafka broker is given: name at least one as host:port")]
    NoBrokers,
    #[error("log generation {0} is not possible: 1 to 511 are")]
    Generation(u16),
    #[error("cannot read {path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("a Kafka user name needs a password file, and a password file a user name")]
    HalfCredentials,
    #[error("the Kafka client does not start: {0}")]
    Client(#[from] rdkafka::error::KafkaError),
}

impl KafkaConfig {
    pub fn topics(&self) -> Topics {
        Topics::new(self.topic_prefix.clone())
    }

    /// The brokers as one text, for errors.
    pub fn addresses(&self) -> String {
        self.brokers.join(",")
    }

    /// What every client of the brokers is set to. Files are read now: a client made later has the newer password.
    ///
    /// # Errors
    /// The configuration contradicts itself, or a file can't be read.
    pub(crate) fn client(&self) -> Result<ClientConfig, ConfigError> {
        if self.brokers.is_empty() {
            return Err(ConfigError::NoBrokers);
        }
        if !(1..=511).contains(&self.generation) {
            return Err(ConfigError::Generation(self.generation));
        }
        let mut client = ClientConfig::new();
        client.set_log_level(RDKafkaLogLevel::Info);
        for (name, value) in [
            ("bootstrap.servers", self.addresses().as_str()),
            ("client.id", &self.client_id),
            // A dead broker is noticed and given up within seconds.
            ("socket.timeout.ms", "4000"),
            ("socket.connection.setup.timeout.ms", "2000"),
            ("socket.keepalive.enable", "true"),
            ("socket.nagle.disable", "true"),
            // The library adds jitter to both.
            ("reconnect.backoff.ms", "50"),
            ("reconnect.backoff.max.ms", "1000"),
            // A new leader is found soon.
            ("topic.metadata.refresh.interval.ms", "30000"),
            ("topic.metadata.refresh.fast.interval.ms", "100"),
            ("metadata.max.age.ms", "90000"),
            ("allow.auto.create.topics", "false"),
            ("enable.metrics.push", "false"),
        ] {
            client.set(name, value);
        }
        client.set("security.protocol", self.protocol());
        if let Some(path) = &self.ca_file {
            read(path)?;
            client.set("ssl.ca.location", path.to_string_lossy());
        }
        match (&self.username, self.password()?) {
            (Some(username), Some(password)) => {
                client.set("sasl.mechanism", "SCRAM-SHA-512");
                client.set("sasl.username", username);
                client.set("sasl.password", password);
            }
            (None, None) => {}
            _ => return Err(ConfigError::HalfCredentials),
        }
        Ok(client)
    }

    fn protocol(&self) -> &'static str {
        match (self.tls, self.username.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        }
    }

    /// The password as its file has it now.
    pub(crate) fn password(&self) -> Result<Option<String>, ConfigError> {
        self.password_file.as_deref().map(|path| read(path).map(|text| text.trim_end().to_owned())).transpose()
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_said() {
        let one = || KafkaConfig { brokers: vec!["127.0.0.1:1".into()], ..KafkaConfig::default() };
        assert!(one().client().is_ok());
        assert!(matches!(KafkaConfig::default().client(), Err(ConfigError::NoBrokers)));
        assert!(matches!(KafkaConfig { generation: 512, ..one() }.client(), Err(ConfigError::Generation(512))));
        let half = KafkaConfig { username: Some("chat".into()), ..one() };
        assert!(matches!(half.client(), Err(ConfigError::HalfCredentials)));
        let nowhere = KafkaConfig { ca_file: Some("/nowhere/ca.pem".into()), ..one() };
        let error = nowhere.client().expect_err("no such file").to_string();
        assert!(error.contains("/nowhere/ca.pem"), "{error}");
    }

    #[test]
    fn transport_follows_from_tls_and_user() {
        let protocol = |tls, user: Option<&str>| {
            KafkaConfig { tls, username: user.map(Into::into), ..KafkaConfig::default() }.protocol()
        };
        assert_eq!(protocol(false, None), "plaintext");
        assert_eq!(protocol(true, None), "ssl");
        assert_eq!(protocol(true, Some("u")), "sasl_ssl");
        assert_eq!(protocol(false, Some("u")), "sasl_plaintext");
    }
}
