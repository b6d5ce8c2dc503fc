//! What people ask an operator, and what it does besides scaling.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::rig::{eventually, kubeconfig};
use crate::world::{World, quick};

#[tokio::test]
async fn a_gateway_far_above_the_mean_is_asked_to_shed_down_to_it() {
    let world = World::new("rebalance").await;
    let gateways = json!({"min": 3, "max": 3, "target": {"connections": 1000}, "rebalance": {"enabled": true}});
    world.rig.create(&quick(gateways), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    let busy = world.kubelet.gateways().remove(0).name;
    world.kubelet.each(|node| node.connections = 30.0);
    world.kubelet.with(&busy, |node| node.connections = 300.0);
    eventually("it sheds", async || {
        world.kubelet.gateways().iter().any(|node| node.name == busy && node.asked == ["shed"]).then_some(())
    })
    .await;
    let after = world.kubelet.gateways();
    let left = after.iter().find(|node| node.name == busy).expect("it stays").connections;
    assert!((left - 120.0).abs() < 1.0, "{left} are left: the mean is 120");
    assert!(after.iter().all(|node| node.name == busy || node.asked.is_empty()), "{after:#?}");
    assert!(world.events("chat").await.contains(&"Rebalancing".to_owned()));
    assert!((operator.metric("elastic_chat_operator_shed_connections_total").await - 180.0).abs() < 1.5);
    // One that drains is nobody to be balanced with.
    world.kubelet.each(|node| {
        node.leaving = 0.0;
        node.asked.clear();
    });
    world.rig.patch("chat", &json!({"spec": {"gateways": {"min": 2, "max": 2}}})).await.expect("taken");
    eventually("one drains", async || world.kubelet.gateways().iter().any(|node| node.draining).then_some(())).await;
    world.kubelet.with(&busy, |node| node.connections = 300.0);
    let scraped = operator.metric("elastic_chat_operator_scrapes_total").await;
    eventually("three periods", async || {
        (operator.metric("elastic_chat_operator_scrapes_total").await >= scraped + 9.0).then_some(())
    })
    .await;
    assert!(world.kubelet.gateways().iter().all(|node| !node.asked.contains(&"shed")));
    world.end().await;
}

async fn explained(world: &World, name: &str, more: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_operator"))
        .args(["explain", name, "--namespace", &world.rig.namespace, "--kubeconfig", &kubeconfig()])
        .args(more)
        .stdin(Stdio::null())
        .output()
        .await
        .expect("it runs");
    let text = if output.status.success() { &output.stdout } else { &output.stderr };
    (output.status.success(), String::from_utf8_lossy(text).into_owned())
}

#[tokio::test]
async fn explain_tells_why_the_number_is_what_it_is() {
    let world = World::new("explain").await;
    world.rig.create(&quick(json!({"min": 2, "max": 12})), false).await.expect("taken");
    let (_, text) = explained(&world, "chat", &[]).await;
    assert!(text.contains("no operator has looked at it yet"), "{text}");
    let _operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    let (_, text) = explained(&world, "chat", &[]).await;
    assert!(text.contains("Ready True") && text.contains("Gateways: 2 wanted, 2 ready"), "{text}");
    world.kubelet.each(|node| node.connections = 300.0);
    eventually("it grows", async || (world.replicas().await > 2).then_some(())).await;
    let decided = async || {
        let status = world.cluster("chat").await.status?.gateways?;
        status.scaling.decision
    };
    let decision =
        eventually("the decision is told", async || decided().await.filter(|decision| decision.to >= 6)).await;
    let (_, text) = explained(&world, "chat", &[]).await;
    assert!(text.contains(&format!("{} → {}", decision.from, decision.to)), "{text}");
    for said in ["600 connections", "demandPods", "horizonSeconds", "perPod 100"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let (_, text) = explained(&world, "chat", &["--json"]).await;
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert!(json["gateways"]["decision"]["to"].as_u64().is_some_and(|to| to > 2), "{json}");
    assert!(json["gateways"]["decision"]["inputs"]["demandPods"].as_f64().is_some_and(|pods| pods > 5.0), "{json}");
    let (known, text) = explained(&world, "nobody", &[]).await;
    assert!(!known && text.contains("nobody"), "{text}");
    world.end().await;
}
