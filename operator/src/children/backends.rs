//! The flags and variables that name Redis, Kafka, Cassandra and S3 to a process.

use serde_json::{Value, json};

use super::secrets::FOLDER;
use crate::api::{Cassandra, ChatCluster, Credentials, Kafka, Redis, RedisMode, S3};

/// What a container is started with.
#[derive(Debug, Default)]
pub(super) struct Started {
    pub args: Vec<String>,
    pub env: Vec<Value>,
}

impl Started {
    pub fn arg(&mut self, flag: &str, value: impl std::fmt::Display) {
        self.args.push(format!("--{flag}={value}"));
    }

    fn file(&mut self, flag: &str, path: &str) {
        self.arg(flag, format_args!("{FOLDER}/{path}"));
    }

    /// `variable` from a key of a Secret.
    fn secret(&mut self, variable: &str, credentials: &Credentials, optional: bool) {
        let mut from = json!({"name": credentials.secret_name, "key": credentials.username_key});
        if optional {
            from["optional"] = json!(true);
        }
        self.env.push(json!({"name": variable, "valueFrom": {"secretKeyRef": from}}));
    }

    /// `variable` from a field of the pod.
    pub fn field(&mut self, variable: &str, path: &str) {
        self.env.push(json!({"name": variable, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}));
    }
}

/// Kafka and Cassandra, and Redis for those that need it.
pub(super) fn cluster(cluster: &ChatCluster, with_redis: bool, started: &mut Started) {
    let spec = &cluster.spec;
    if with_redis && let Some(backend) = &spec.redis {
        redis(backend, started);
    }
    if let Some(backend) = &spec.kafka {
        kafka(backend, started);
    }
    if let Some(backend) = &spec.cassandra {
        cassandra(backend, started);
    }
}

/// `redis://host:port/0`, `rediss+sentinel://host:port,host:port/main`, …
pub(super) fn redis_url(redis: &Redis) -> String {
    let tls = if redis.tls.is_some() { "rediss" } else { "redis" };
    let addresses = redis.addresses.join(",");
    match redis.mode {
        RedisMode::Standalone => match redis.database {
            Some(database) => format!("{tls}://{addresses}/{database}"),
            None => format!("{tls}://{addresses}"),
        },
        RedisMode::Sentinel => format!("{tls}+sentinel://{addresses}/{}", redis.master.as_deref().unwrap_or_default()),
        RedisMode::Cluster => format!("{tls}+cluster://{addresses}"),
    }
}

fn redis(redis: &Redis, started: &mut Started) {
    started.arg("redis", redis_url(redis));
    if let Some(credentials) = &redis.credentials {
        started.secret("ELASTIC_CHAT_REDIS_USERNAME", credentials, true);
        started.file("redis-password-file", "redis/password");
    }
    if redis.tls.as_ref().is_some_and(|tls| tls.ca_secret.is_some()) {
        started.file("redis-ca-file", "redis/ca.crt");
    }
}

fn kafka(kafka: &Kafka, started: &mut Started) {
    started.arg("kafka", kafka.brokers.join(","));
    started.arg("log-generation", kafka.log_generation);
    if let Some(credentials) = &kafka.credentials {
        started.secret("ELASTIC_CHAT_KAFKA_USERNAME", credentials, false);
        started.file("kafka-password-file", "kafka/password");
    }
    if let Some(tls) = &kafka.tls {
        started.arg("kafka-tls", true);
        if tls.ca_secret.is_some() {
            started.file("kafka-ca-file", "kafka/ca.crt");
        }
    }
}

fn cassandra(cassandra: &Cassandra, started: &mut Started) {
    started.arg("cassandra", cassandra.contact_points.join(","));
    started.arg("keyspace", &cassandra.keyspace);
    if let Some(datacenter) = &cassandra.datacenter {
        started.arg("cassandra-datacenter", datacenter);
    }
    if let Some(credentials) = &cassandra.credentials {
        started.secret("ELASTIC_CHAT_CASSANDRA_USERNAME", credentials, false);
        started.file("cassandra-password-file", "cassandra/password");
    }
    if cassandra.tls.is_some() {
        started.file("cassandra-ca-file", "cassandra/ca.crt");
    }
}

pub(super) fn s3(s3: &S3, started: &mut Started) {
    started.arg("s3", s3.endpoint.trim_end_matches('/'));
    started.arg("s3-bucket", &s3.bucket);
    started.arg("s3-region", &s3.region);
    if s3.credentials.is_some() {
        started.file("s3-credentials-file", "s3/credentials");
    }
}
