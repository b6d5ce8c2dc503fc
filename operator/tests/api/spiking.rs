//! Traffic comes and goes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::eventually;
use crate::world::{World, quick};

#[tokio::test]
async fn a_spike_is_met_within_seconds_and_its_end_by_draining() {
    let world = World::new("spike").await;
    world.rig.create(&quick(json!({"min": 2, "max": 12})), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    world.kubelet.each(|node| node.connections = 30.0);
    let said = async |connections: i64| {
        (world.cluster("chat").await.status?.gateways?.connections == connections).then_some(())
    };
    eventually("the numbers arrive", async || said(60).await).await;
    let begin = Instant::now();
    world.kubelet.each(|node| node.connections = 300.0);
    eventually("new pods exist", async || (world.kubelet.gateways().len() > 2).then_some(())).await;
    let took = begin.elapsed();
    println!("spike to new pods: {took:.2?}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    eventually("there are enough", async || (world.replicas().await >= 6).then_some(())).await;
    let gateways = world.cluster("chat").await.status.and_then(|status| status.gateways).expect("gateways");
    let decision = gateways.scaling.decision.expect("a decision");
    assert!(decision.to > decision.from && !decision.inputs.is_empty() && decision.reason.len() > 20, "{decision:?}");
    assert!(world.events("chat").await.contains(&"GatewaysScaledUp".to_owned()));
    // A new operator knows what this one decided.
    operator.kill().await;
    let _operator = world.operator().await;
    world.kubelet.each(|node| node.connections = 1.0);
    let back = async || {
        let pods = world.kubelet.gateways();
        (world.replicas().await == 2 && pods.len() == 2).then_some(())
    };
    for _ in 0..4 {
        if tokio::time::timeout(Duration::from_secs(28), eventually("back at the minimum", back)).await.is_ok() {
            break;
        }
    }
    assert_eq!(world.replicas().await, 2);
    let cut = world.kubelet.nodes.lock().cut.clone();
    assert!(cut.is_empty(), "{cut:?}");
    let history =
        world.cluster("chat").await.status.and_then(|status| status.gateways).expect("gateways").scaling.history;
    assert!(history.iter().any(|before| before.to > before.from), "the spike is still told of: {history:?}");
    world.end().await;
}
