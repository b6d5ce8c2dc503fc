//! What the operator reads of a writer.

use serde_json::Value;

use crate::rig::{Fault, chatter, get, get_with, rig, until};

fn json(answer: &(u16, String)) -> Value {
    serde_json::from_str(&answer.1).unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn load_tells_of_each_partition_and_of_a_store_that_blocks() {
    let rig = rig(3).await;
    let said = chatter(&rig, 12, 20).await;
    let writer = rig.writer("writer-7").await;
    for (conversation, seqs) in &said {
        rig.until_stored(*conversation, seqs).await;
    }
    until("all is committed", async || json(&get(&writer, "/load").await)["uncommitted_records"] == 0).await;
    let load = json(&get(&writer, "/load").await);
    assert_eq!(
        (&load["role"], &load["node_id"], &load["state"]),
        (&"writer".into(), &"writer-7".into(), &"reading".into())
    );
    assert!(load["uptime_seconds"].as_f64() > Some(0.0) && load["version"].is_string(), "{load}");
    assert!(load["batches_total"].as_u64() > Some(0) && load["batch_seconds_total"].as_f64() > Some(0.0), "{load}");
    assert_eq!(load["store_blocked"], false);
    let partitions = load["partitions"].as_array().expect("a list");
    let events: Vec<&Value> =
        partitions.iter().filter(|one| one["topic"].as_str().is_some_and(|topic| topic.contains("events"))).collect();
    assert_eq!(events.len(), 3, "{load}");
    let stored: u64 = events.iter().map(|one| one["stored_offset"].as_u64().unwrap_or(0)).sum();
    assert_eq!(stored, 240, "every record is below its partition's mark: {load}");
    assert!(events.iter().all(|one| one["lag_records"] == 0 && one["lag_seconds"] == 0.0), "{load}");

    rig.store.set(Fault::Away);
    rig.say(said[0].0, 5).await;
    until("the writer to say that it is blocked", async || {
        let load = json(&get(&writer, "/load").await);
        load["store_blocked"] == true && load["lag_records"] == 5
    })
    .await;
    rig.store.set(Fault::Nothing);
    until("it to go on", async || json(&get(&writer, "/load").await)["store_blocked"] == false).await;
    writer.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn load_needs_a_token_when_there_are_some() {
    let rig = rig(1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tokens");
    std::fs::write(&file, "of-the-operator\n").expect("written");
    let writer = rig.guarded_writer("guarded", Some(file.clone())).await;
    assert_eq!(get(&writer, "/livez").await.0, 200);
    assert_eq!(get(&writer, "/metrics").await.0, 200);
    assert_eq!(get(&writer, "/load").await.0, 401);
    assert_eq!(get_with(&writer, "/load", "Authorization: Bearer guessed\r\n").await.0, 401);
    assert_eq!(get_with(&writer, "/load", "Authorization: Bearer of-the-operator\r\n").await.0, 200);
    std::fs::write(&file, "rotated\n").expect("written");
    assert_eq!(get_with(&writer, "/load", "Authorization: Bearer of-the-operator\r\n").await.0, 401);
    assert_eq!(get_with(&writer, "/load", "Authorization: Bearer rotated\r\n").await.0, 200);
    writer.shutdown().await;
}
