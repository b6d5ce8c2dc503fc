//! ChatClusters.

use local_cluster::NODE_ADDRESS;
use serde_json::{Value, json};
use stack::{Options, S3_ACCESS_KEY, S3_SECRET_KEY};

const BUCKET: &str = "chat-files";
const CREDENTIALS: &str = "s3-credentials";

/// The shortest one there is.
pub fn embedded(name: &str) -> Value {
    json!({
        "apiVersion": "elastic-chat.io/v1alpha1",
        "kind": "ChatCluster",
        "metadata": {"name": name},
        "spec": {"profile": "embedded"},
    })
}

/// One on the servers outside of Kubernetes, with gateways small enough that a test fills some, and the secret that it needs.
pub fn distributed(name: &str) -> [Value; 2] {
    let ports = Options { host: Some(NODE_ADDRESS), ..Options::one_of_each() }.ports();
    let keys = format!("[default]\naws_access_key_id = {S3_ACCESS_KEY}\naws_secret_access_key = {S3_SECRET_KEY}\n");
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": CREDENTIALS},
        "stringData": {"credentials": keys},
    });
    // A machine of two cores runs all of it: small requests, of which the CPU of a start alone is many times.
    let small = json!({"requests": {"cpu": "10m", "memory": "32Mi"}});
    let cluster = json!({
        "apiVersion": "elastic-chat.io/v1alpha1",
        "kind": "ChatCluster",
        "metadata": {"name": name},
        "spec": {
            "profile": "distributed",
            "gateways": {
                "min": 2,
                "max": 8,
                "target": {"connections": 40, "deliveriesPerSecond": 0, "cpuPercent": 0},
                "scaleDown": {"stabilizationSeconds": 20, "drainSeconds": 10, "maxDraining": "30%"},
                "resources": small,
            },
            "writers": {"min": 1, "max": 2, "resources": small},
            "limits": {
                "sendsPerUser": "off", "connectionsPerUser": "off", "handshakes": "off", "authPerAddress": "off",
            },
            "redis": {"addresses": [ports.redis(1).to_string()]},
            "kafka": {"brokers": [ports.kafka(1).to_string()], "partitions": 8},
            "cassandra": {"contactPoints": [ports.cassandra(1).to_string()]},
            "blobs": {"s3": {
                "endpoint": format!("http://{}", ports.s3()),
                "bucket": BUCKET,
                "credentials": {"name": CREDENTIALS, "key": "credentials"},
            }},
            "migration": {"replication": 1},
        },
    });
    [secret, cluster]
}
