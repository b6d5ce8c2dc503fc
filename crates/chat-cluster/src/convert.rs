//! The flags as the adapters want them.

use chat_cassandra::CassandraConfig;
use chat_kafka::KafkaConfig;
use chat_redis::RedisConfig;

use crate::ClusterArgs;

impl ClusterArgs {
    /// `client_id` names this process to the brokers.
    pub fn kafka(&self, client_id: &str) -> KafkaConfig {
        KafkaConfig {
            brokers: self.kafka.clone(),
            generation: self.log_generation,
            client_id: client_id.to_owned(),
            tls: self.kafka_tls || self.kafka_ca_file.is_some(),
            ca_file: self.kafka_ca_file.clone(),
            username: self.kafka_username.clone(),
            password_file: self.kafka_password_file.clone(),
            ..KafkaConfig::default()
        }
    }

    pub fn redis(&self) -> RedisConfig {
        let default = RedisConfig::default();
        RedisConfig {
            url: self.redis.clone().unwrap_or(default.url),
            username: self.redis_username.clone(),
            password_file: self.redis_password_file.clone(),
            ca_file: self.redis_ca_file.clone(),
            ..RedisConfig::default()
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
