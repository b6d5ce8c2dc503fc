//! For each rule a manifest that it refuses and one that it takes, as changes of an example.

use serde_json::{Value, json};

pub type Edits = Vec<(&'static str, Value)>;

pub struct Case {
    pub rule: &'static str,
    pub base: &'static str,
    pub refused: Edits,
    pub accepted: Edits,
}

fn case(rule: &'static str, base: &'static str, refused: Edits, accepted: Edits) -> Case {
    Case { rule, base, refused, accepted }
}

/// A rule, a value that it refuses and one that it takes, as JSON: tried wherever the rule is.
pub const EVERYWHERE: [(&str, &str, &str); 8] = [
    ("secret-name", r#""Not_A_Name""#, r#""a.name-1""#),
    ("secret-key", r#""a/b""#, r#""tls.crt""#),
    (
        "digest",
        r#""sha256:XYZ4567890123456789012345678901234567890123456789012345678901234""#,
        r#""sha256:abc4567890123456789012345678901234567890123456789012345678901234""#,
    ),
    ("quantity", r#""much""#, r#""7Gi""#),
    ("pod-labels", r#"{"app.kubernetes.io/name": "mine"}"#, r#"{"example.com/name": "mine"}"#),
    ("pod-annotations", r#"{"elastic-chat.io/x": "mine"}"#, r#"{"app.kubernetes.io/name": "mine"}"#),
    ("limit-quota", r#""10 a second""#, r#""100/86400s""#),
    ("limit-value", r#""none""#, r#""off""#),
];

pub fn cases() -> Vec<Case> {
    [profile(), scaling(), backends(), exposure(), workload()].into_iter().flatten().collect()
}

fn profile() -> Vec<Case> {
    let mut cases = vec![
        case(
            "name",
            "embedded",
            vec![("metadata.name", json!("a".repeat(41)))],
            vec![("metadata.name", json!("a".repeat(40)))],
        ),
        case(
            "embedded-no-gateways",
            "embedded",
            vec![("spec.gateways", json!({}))],
            vec![("spec.embedded", json!({}))],
        ),
        case("embedded-no-writers", "embedded", vec![("spec.writers", json!({}))], vec![]),
        case("embedded-no-web", "embedded", vec![("spec.web", json!({}))], vec![]),
        case("embedded-no-redis", "embedded", vec![("spec.redis", json!({"addresses": ["redis:6379"]}))], vec![]),
        case("embedded-no-kafka", "embedded", vec![("spec.kafka", json!({"brokers": ["kafka:9092"]}))], vec![]),
        case(
            "embedded-no-cassandra",
            "embedded",
            vec![("spec.cassandra", json!({"contactPoints": ["cassandra:9042"]}))],
            vec![],
        ),
        case("embedded-no-migration", "embedded", vec![("spec.migration", json!({}))], vec![]),
        case(
            "embedded-no-claim",
            "embedded",
            vec![("spec.blobs", json!({"claim": {"name": "files"}}))],
            vec![("spec.blobs", json!({"s3": {"bucket": "files"}}))],
        ),
        case("distributed-no-embedded", "distributed", vec![("spec.embedded", json!({}))], vec![]),
        case("digests-writer", "distributed-full", vec![("spec.image.digests.writer", Value::Null)], vec![]),
        case(
            "digests-web",
            "distributed-full",
            vec![("spec.image.digests.web", Value::Null)],
            vec![("spec.image.digests.web", Value::Null), ("spec.web.enabled", json!(false))],
        ),
    ];
    for (rule, field) in [
        ("distributed-gateways", "spec.gateways"),
        ("distributed-redis", "spec.redis"),
        ("distributed-kafka", "spec.kafka"),
        ("distributed-cassandra", "spec.cassandra"),
        ("distributed-blobs", "spec.blobs"),
    ] {
        cases.push(case(rule, "distributed", vec![(field, Value::Null)], vec![]));
    }
    cases
}

fn scaling() -> Vec<Case> {
    let full = "distributed-full";
    vec![
        case(
            "gateways-min-max",
            "distributed",
            vec![("spec.gateways.min", json!(51))],
            vec![("spec.gateways.min", json!(50))],
        ),
        case("writers-min-max", full, vec![("spec.writers.min", json!(33))], vec![("spec.writers.min", json!(32))]),
        case(
            "writers-max-partitions",
            full,
            vec![("spec.writers.max", json!(65))],
            vec![("spec.writers.max", json!(64))],
        ),
        case(
            "writers-min-partitions",
            "distributed",
            vec![("spec.writers", json!({"min": 65}))],
            vec![("spec.writers", json!({"min": 64}))],
        ),
        case(
            "target-some",
            full,
            vec![("spec.gateways.target", json!({"connections": 0, "deliveriesPerSecond": 0, "cpuPercent": 0}))],
            vec![("spec.gateways.target", json!({"connections": 0, "deliveriesPerSecond": 0, "cpuPercent": 1}))],
        ),
        case(
            "max-step",
            full,
            vec![("spec.gateways.scaleUp.maxStep", json!("a lot"))],
            vec![("spec.gateways.scaleUp.maxStep", json!(5))],
        ),
        case(
            "max-draining",
            full,
            vec![("spec.gateways.scaleDown.maxDraining", json!("101%"))],
            vec![("spec.gateways.scaleDown.maxDraining", json!("100%"))],
        ),
        case(
            "limit-connections",
            full,
            vec![("spec.gateways.target.connections", json!(14_001))],
            vec![("spec.gateways.target.connections", json!(14_000))],
        ),
        case(
            "limit-deliveries",
            full,
            vec![
                ("spec.gateways.target.deliveriesPerSecond", json!(11)),
                ("spec.gateways.limit.deliveriesPerSecond", json!(10)),
            ],
            vec![
                ("spec.gateways.target.deliveriesPerSecond", json!(10)),
                ("spec.gateways.limit.deliveriesPerSecond", json!(10)),
            ],
        ),
        case(
            "limit-cpu",
            full,
            vec![("spec.gateways.target.cpuPercent", json!(91))],
            vec![("spec.gateways.target.cpuPercent", json!(90))],
        ),
    ]
}

fn backends() -> Vec<Case> {
    let full = "distributed-full";
    let plain = "distributed";
    vec![
        case(
            "redis-addresses",
            plain,
            vec![("spec.redis.addresses", json!(["redis://user:secret@redis:6379"]))],
            vec![("spec.redis.addresses", json!(["10.0.0.1:6379"]))],
        ),
        case(
            "kafka-brokers",
            plain,
            vec![("spec.kafka.brokers", json!(["kafka"]))],
            vec![("spec.kafka.brokers", json!(["[fd00::1]:9092"]))],
        ),
        case(
            "cassandra-contact-points",
            plain,
            vec![("spec.cassandra.contactPoints", json!(["cassandra:0"]))],
            vec![("spec.cassandra.contactPoints", json!(["cassandra_1:9042"]))],
        ),
        case(
            "keyspace",
            plain,
            vec![("spec.cassandra.keyspace", json!("Chat-1"))],
            vec![("spec.cassandra.keyspace", json!("chat_1"))],
        ),
        case(
            "blobs-one",
            plain,
            vec![("spec.blobs", json!({}))],
            vec![("spec.blobs", json!({"claim": {"name": "files"}}))],
        ),
        case(
            "s3-endpoint",
            plain,
            vec![("spec.blobs.s3.endpoint", json!("s3.example.com"))],
            vec![("spec.blobs.s3.endpoint", json!("http://s3.example.com:9000"))],
        ),
        case(
            "s3-bucket",
            plain,
            vec![("spec.blobs.s3.bucket", json!("My_Bucket"))],
            vec![("spec.blobs.s3.bucket", json!("my-bucket.1"))],
        ),
        case(
            "redis-standalone-one",
            plain,
            vec![("spec.redis.addresses", json!(["a:1", "b:1"]))],
            vec![("spec.redis", json!({"mode": "cluster", "addresses": ["a:1", "b:1"]}))],
        ),
        case(
            "redis-sentinel-master",
            full,
            vec![("spec.redis.master", Value::Null)],
            vec![("spec.redis.master", json!("my-main.1"))],
        ),
        case(
            "redis-master-sentinel",
            full,
            vec![("spec.redis.mode", json!("cluster"))],
            vec![("spec.redis.mode", json!("cluster")), ("spec.redis.master", Value::Null)],
        ),
        case(
            "redis-database-standalone",
            full,
            vec![("spec.redis.database", json!(1))],
            vec![("spec.redis", json!({"addresses": ["a:1"], "database": 1}))],
        ),
        case(
            "redis-master",
            full,
            vec![("spec.redis.master", json!("a/b"))],
            vec![("spec.redis.master", json!("a.b"))],
        ),
    ]
}

fn exposure() -> Vec<Case> {
    let (ingress, gateway) = ("distributed", "distributed-full");
    vec![
        case(
            "ingress-or-gateway",
            gateway,
            vec![("spec.exposure.ingress", json!({}))],
            vec![("spec.exposure.ingress", json!({})), ("spec.exposure.gateway", Value::Null)],
        ),
        case(
            "host-needed",
            ingress,
            vec![("spec.exposure.host", Value::Null)],
            vec![("spec.exposure", json!({"tls": {}}))],
        ),
        case(
            "tls-secret-ingress",
            gateway,
            vec![("spec.exposure.tls", json!({"secretName": "chat-tls"}))],
            vec![("spec.exposure.tls", json!({}))],
        ),
        case(
            "host",
            ingress,
            vec![("spec.exposure.host", json!("https://Chat"))],
            vec![("spec.exposure.host", json!("chat.example.org"))],
        ),
        case(
            "allowed-origins",
            ingress,
            vec![("spec.exposure.allowedOrigins", json!(["https://a.example.com/path"]))],
            vec![("spec.exposure.allowedOrigins", json!(["https://a.example.com:8443", "http://localhost:3000"]))],
        ),
    ]
}

fn workload() -> Vec<Case> {
    let full = "distributed-full";
    let resources = "spec.gateways.resources";
    vec![
        case(
            "tag-or-digests",
            full,
            vec![("spec.image.tag", json!("1.0"))],
            vec![("spec.image.tag", json!("1.0")), ("spec.image.digests", Value::Null)],
        ),
        case(
            "repository",
            full,
            vec![("spec.image.repository", json!("https://registry.example.com"))],
            vec![("spec.image.repository", json!("localhost/elastic-chat"))],
        ),
        case(
            "tag",
            "distributed",
            vec![("spec.image", json!({"tag": "a:b"}))],
            vec![("spec.image", json!({"tag": "v1.2.3-rc.1"}))],
        ),
        case(
            "requests-cpu",
            "embedded-full",
            vec![("spec.embedded.resources", json!({"requests": {"cpu": "1500m"}, "limits": {"cpu": 1}}))],
            vec![("spec.embedded.resources", json!({"requests": {"cpu": "1000m"}, "limits": {"cpu": 1}}))],
        ),
        case(
            "requests-memory",
            "embedded-full",
            vec![("spec.embedded.resources", json!({"requests": {"memory": "1025Mi"}, "limits": {"memory": "1Gi"}}))],
            vec![("spec.embedded.resources", json!({"requests": {"memory": "1024Mi"}, "limits": {"memory": "1Gi"}}))],
        ),
        case(
            "writer-memory",
            full,
            vec![("spec.writers.resources", json!({"limits": {"memory": "100Mi"}}))],
            vec![("spec.writers.resources", json!({"limits": {"memory": "256Mi"}}))],
        ),
        case(
            "log-filter",
            full,
            vec![("spec.log", json!({"filter": "info; rm"}))],
            vec![("spec.log", json!({"filter": "info,chat_node::ws=debug"}))],
        ),
        case("max-step", full, vec![("spec.gateways.scaleUp.maxStep", json!(0))], vec![(resources, json!({}))]),
    ]
}
