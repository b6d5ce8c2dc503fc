//! Hundreds of clusters with one operator.

use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;

use crate::rig::example;
use crate::world::World;

/// `ELASTIC_CHAT_TEST_MANY=500` for the whole number; fewer by default, since every object of all of them is made for real.
fn number() -> usize {
    std::env::var("ELASTIC_CHAT_TEST_MANY").ok().and_then(|number| number.parse().ok()).unwrap_or(60)
}

#[tokio::test]
async fn many_clusters_do_not_starve_each_other() {
    let world = World::new("many").await;
    let operator = world.operator().await;
    let (many, begin) = (number(), Instant::now());
    for n in 0..many {
        let mut cluster = example("embedded");
        cluster["metadata"]["name"] = json!(format!("c{n}"));
        if n % 50 == 7 {
            // One that can't go on: a Secret is missing.
            cluster["spec"]["auth"] = json!({"signingKeySecret": {"name": "none", "key": "none"}});
        }
        world.rig.create(&cluster, false).await.expect("taken");
    }
    let path = world.rig.cluster_path("");
    let ready = async || {
        let list = world.rig.send(Method::GET, &path, None).await.expect("a list").object;
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let is = |cluster: &serde_json::Value, status: &str| {
            let conditions = cluster["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == status)
        };
        (items.iter().filter(|item| is(item, "True")).count(), items.iter().filter(|item| is(item, "False")).count())
    };
    let wrong = (0..many).filter(|n| n % 50 == 7).count();
    // Most of the time goes into what stands in for the kubelet, one pod after the other.
    let deadline = begin + Duration::from_secs(60 + many as u64);
    loop {
        let (good, bad) = ready().await;
        if good == many - wrong && bad == wrong {
            break;
        }
        assert!(Instant::now() < deadline, "{good} ready and {bad} not, of {many}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("{many} clusters ready after {:.1?}", begin.elapsed());
    tokio::time::sleep(Duration::from_secs(10)).await;
    let calls = async || operator.metric("elastic_chat_operator_api_calls_total").await;
    let (before, at) = (calls().await, Instant::now());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let rate = (calls().await - before) / at.elapsed().as_secs_f64();
    let resident = operator.metric("process_resident_memory_bytes ").await / 1e6;
    println!("idle: {rate:.2} API calls/s, {resident:.0} MB");
    #[allow(clippy::cast_precision_loss)]
    let bound = 1.0_f64.max(many as f64 / 100.0);
    assert!(rate <= bound, "{rate} calls/s");
    assert!(resident <= 100.0, "{resident} MB");
    world.end().await;
}
