//! Shrinking without cutting anyone, also when operators die on the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::rig::eventually;
use crate::world::{Operator, World, quick};

impl World {
    /// A cluster of so many gateways, each with so many connections.
    async fn serving(&self, gateways: u32, connections: f64) -> Operator {
        self.rig.create(&quick(json!({"min": gateways, "max": gateways})), false).await.expect("taken");
        let operator = self.operator().await;
        self.condition("chat", "Ready", "True").await;
        self.kubelet.each(|node| node.connections = connections);
        operator
    }

    async fn want(&self, gateways: u32) {
        let patch = json!({"spec": {"gateways": {"min": gateways, "max": gateways}}});
        self.rig.patch("chat", &patch).await.expect("taken");
    }

    async fn settled(&self, gateways: u64) {
        let wait = async || {
            let pods = self.kubelet.gateways();
            let calm = pods.iter().all(|node| !node.draining);
            (self.replicas().await == gateways && pods.len() as u64 == gateways && calm).then_some(())
        };
        for _ in 0..3 {
            let waited = tokio::time::timeout(Duration::from_secs(28), eventually("it is settled", wait)).await;
            if waited.is_ok() {
                return;
            }
        }
        panic!("{} replicas, {:#?}", self.replicas().await, self.kubelet.gateways());
    }

    fn nobody_was_cut(&self) {
        let cut = self.kubelet.nodes.lock().cut.clone();
        assert!(cut.is_empty(), "{cut:?} were deleted with connections");
    }

    /// Annotations of gateway pods under our prefix, and their deletion costs.
    async fn marks(&self) -> Vec<Value> {
        let list = self.object("/api/v1/namespaces/{ns}/pods").await.unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|pod| pod["metadata"]["annotations"].clone()).collect()
    }
}

#[tokio::test]
async fn shrinking_drains_the_least_busy_first_and_cuts_nobody() {
    let world = World::new("drain").await;
    let operator = world.serving(4, 100.0).await;
    let idle: Vec<String> = world.kubelet.gateways().into_iter().take(2).map(|node| node.name).collect();
    for name in &idle {
        world.kubelet.with(name, |node| node.connections = 60.0);
    }
    eventually("the numbers arrive", async || {
        let status = world.cluster("chat").await.status?.gateways?;
        (status.connections == 320).then_some(())
    })
    .await;
    world.want(2).await;
    world.settled(2).await;
    world.nobody_was_cut();
    let left: Vec<String> = world.kubelet.gateways().into_iter().map(|node| node.name).collect();
    assert!(idle.iter().all(|name| !left.contains(name)), "{idle:?} had least, {left:?} are left");
    let events = world.events("chat").await;
    for reason in ["DrainStarted", "Drained", "GatewaysScaledDown"] {
        assert!(events.iter().any(|event| event == reason), "{reason} in {events:?}");
    }
    assert!(operator.metric("elastic_chat_operator_drains_total{step=\"finished\"").await >= 2.0);
    let decision =
        world.cluster("chat").await.status.and_then(|status| status.gateways?.scaling.decision).expect("a decision");
    assert_eq!((decision.from, decision.to), (4, 2));
    world.end().await;
}

#[tokio::test]
async fn growth_takes_draining_gateways_back() {
    let world = World::new("takeback").await;
    let _operator = world.serving(3, 100.0).await;
    world.kubelet.each(|node| node.leaving = 0.0);
    world.want(2).await;
    eventually("one drains", async || world.kubelet.gateways().iter().any(|node| node.draining).then_some(())).await;
    let before: Vec<String> = world.kubelet.gateways().into_iter().map(|node| node.name).collect();
    world.want(3).await;
    world.settled(3).await;
    let after = world.kubelet.gateways();
    assert!(after.iter().all(|node| before.contains(&node.name)), "no pod was replaced");
    assert!(after.iter().any(|node| node.asked == ["drain", "take-back"]), "{after:#?}");
    eventually("the marks are gone", async || {
        let marks = world.marks().await;
        marks.iter().all(|marks| marks.get("elastic-chat.io/draining-since").is_none()).then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn a_leader_that_dies_at_any_step_is_followed_by_one_that_goes_on() {
    let world = World::new("killed").await;
    let mut operator = world.serving(2, 100.0).await;
    let marked = async |mark: &str| world.marks().await.iter().any(|marks| marks.get(mark).is_some());
    for step in 0..4 {
        world.kubelet.each(|node| node.asked.clear());
        world.want(2).await;
        world.settled(2).await;
        world.kubelet.each(|node| {
            node.connections = 100.0;
            node.leaving = if step == 1 { 0.0 } else { 40.0 };
        });
        // A second operator stands by; it may act only after the first is dead.
        let standby = world.operator().await;
        world.want(1).await;
        eventually("the step is reached", async || {
            match step {
                0 => marked("elastic-chat.io/draining-since").await,
                1 => world.kubelet.gateways().iter().any(|node| node.draining),
                2 => marked("elastic-chat.io/drained-at").await,
                _ => world.replicas().await == 1,
            }
            .then_some(())
        })
        .await;
        operator.kill().await;
        world.kubelet.each(|node| node.leaving = 40.0);
        world.settled(1).await;
        world.nobody_was_cut();
        let left = world.kubelet.gateways();
        assert!(left.iter().all(|node| node.asked.is_empty()), "step {step}: only one may drain: {left:#?}");
        operator = standby;
    }
    world.end().await;
}

#[tokio::test]
async fn a_leader_that_is_ended_in_the_middle_of_a_drain_is_followed_at_once() {
    let world = World::new("ended").await;
    let operator = world.serving(3, 100.0).await;
    let standby = world.operator().await;
    world.kubelet.each(|node| node.leaving = 0.0);
    world.want(1).await;
    eventually("two drain", async || {
        (world.kubelet.gateways().iter().filter(|node| node.draining).count() == 2).then_some(())
    })
    .await;
    let begin = Instant::now();
    assert_eq!(operator.terminate().await, Some(0));
    eventually("the other leads", async || standby.leads().await.then_some(())).await;
    // It acts: what is needed again is taken back.
    world.want(3).await;
    eventually("it acts", async || world.kubelet.gateways().iter().all(|node| !node.draining).then_some(())).await;
    println!("the next leader acts {:.1?} after SIGTERM", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    world.settled(3).await;
    world.nobody_was_cut();
    world.end().await;
}

#[tokio::test]
async fn silence_never_shrinks_and_is_told() {
    let world = World::new("silent").await;
    let operator = world.serving(3, 80.0).await;
    world.rig.patch("chat", &json!({"spec": {"gateways": {"min": 1, "max": 3}}})).await.expect("taken");
    world.kubelet.each(|node| node.silent = true);
    let (reason, message) = {
        world.condition("chat", "Degraded", "True").await;
        eventually("it is told", async || {
            let (reason, message) = world.condition("chat", "Degraded", "True").await;
            (reason == "MetricsMissing").then_some((reason, message))
        })
        .await
    };
    assert!(message.contains("nothing shrinks"), "{reason}: {message}");
    assert_eq!(world.replicas().await, 3);
    assert!(world.kubelet.gateways().iter().all(|node| node.asked.is_empty()));
    assert!(operator.metric("elastic_chat_operator_scrapes_total{outcome=\"deadline\"").await > 0.0);
    world.end().await;
}

#[tokio::test]
async fn a_gateway_that_lies_is_clamped_and_named() {
    let world = World::new("liar").await;
    world.rig.create(&quick(json!({"min": 2, "max": 12})), false).await.expect("taken");
    let _operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    world.kubelet.each(|node| node.connections = 20.0);
    eventually("the numbers arrive", async || {
        (world.cluster("chat").await.status?.gateways?.connections == 40).then_some(())
    })
    .await;
    let liar = world.kubelet.gateways().remove(0).name;
    for lie in [json!({"connections": -7}), json!({"connections": 1e15}), json!({"connections": "many"})] {
        world.kubelet.with(&liar, |node| node.lie = Some(lie.clone()));
        let message = eventually("the lie is told of", async || {
            let (reason, message) = world.condition("chat", "Degraded", "True").await;
            (reason == "MetricsImplausible").then_some(message)
        })
        .await;
        assert!(message.contains(&liar), "{message}");
        assert_eq!(world.replicas().await, 2, "{lie}");
        let gateways = world.cluster("chat").await.status.and_then(|status| status.gateways).expect("gateways");
        assert_eq!(gateways.connections, 40, "the last believable value counts");
    }
    world.end().await;
}
