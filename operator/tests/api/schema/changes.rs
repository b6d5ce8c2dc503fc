//! What never changes.

use serde_json::{Value, json};

use crate::rig::{Rig, example};

pub const COVERED: [&str; 6] = [
    "profile-immutable",
    "storage-size-immutable",
    "storage-class-immutable",
    "partitions-immutable",
    "generation-immutable",
    "keyspace-immutable",
];

#[tokio::test]
async fn what_the_data_hangs_on_never_changes() {
    let rig = Rig::new("changes").await;
    let cases: [(&str, &str, Value, Value); 6] = [
        ("profile-immutable", "embedded", json!({"profile": "distributed"}), json!({"profile": "embedded"})),
        (
            "storage-size-immutable",
            "embedded",
            json!({"embedded": {"storage": {"size": "20Gi"}}}),
            json!({"embedded": {"storage": {"size": "10Gi"}}}),
        ),
        (
            "storage-class-immutable",
            "embedded",
            json!({"embedded": {"storage": {"className": "fast"}}}),
            json!({"embedded": {"storage": {"whenDeleted": "Delete"}}}),
        ),
        (
            "partitions-immutable",
            "distributed",
            json!({"kafka": {"partitions": 128}}),
            json!({"kafka": {"partitions": 64}}),
        ),
        (
            "generation-immutable",
            "distributed",
            json!({"kafka": {"logGeneration": 2}}),
            json!({"kafka": {"brokers": ["elsewhere:9092"]}}),
        ),
        (
            "keyspace-immutable",
            "distributed",
            json!({"cassandra": {"keyspace": "other"}}),
            json!({"cassandra": {"datacenter": "dc2"}}),
        ),
    ];
    for name in ["embedded", "distributed"] {
        rig.create(&example(name), false).await.expect("taken");
    }
    for (id, base, refused, accepted) in cases {
        let name = example(base)["metadata"]["name"].as_str().expect("a name").to_owned();
        let message = super::rule(id).message;
        let answer = rig.patch(&name, &json!({"spec": refused})).await.expect_err(id);
        assert!(answer.message.contains(&message), "{id}: {}", answer.message);
        let taken = rig.patch(&name, &json!({"spec": accepted})).await;
        assert!(taken.is_ok(), "{id} refuses {accepted}: {taken:?}");
    }
    rig.end().await;
}
