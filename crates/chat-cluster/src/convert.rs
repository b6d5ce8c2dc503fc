//! From flags to the adapters' own settings.

use chat_cassandra::CassandraConfig;
use chat_kafka::KafkaConfig;
use chat_redis::RedisConfig;

use crate::ClusterArgs;

impl ClusterArgs {
    pub fn redis(&self) -> RedisConfig {
        RedisConfig {
            url: self.redis.clone().unwrap_or_default(),
            username: self.redis_username.clone(),
            password_file: self.redis_password_file.clone(),
            ca_file: self.redis_ca_file.clone(),
            ..RedisConfig::default()
        }
    }

    /// `client` names the process in the brokers' logs.
    pub fn kafka(&self, client: &str) -> KafkaConfig {
        KafkaConfig {
            brokers: self.kafka.clone(),
            generation: self.log_generation,
            client_id: client.to_owned(),
            tls: self.kafka_tls || self.kafka_ca_file.is_some(),
            ca_file: self.kafka_ca_file.clone(),
            username: self.kafka_username.clone(),
            password_file: self.kafka_password_file.clone(),
            ..KafkaConfig::default()
        }
    }

    pub fn cassandra(&self) -> CassandraConfig {
        CassandraConfig {
            contact_points: self.cassandra.clone(),
            keyspace: self.keyspace.clone(),
            username: self.cassandra_username.clone(),
            password_file: self.cassandra_password_file.clone(),
            ca_file: self.cassandra_ca_file.clone(),
            datacenter: self.cassandra_datacenter.clone(),
        }
    }
}
