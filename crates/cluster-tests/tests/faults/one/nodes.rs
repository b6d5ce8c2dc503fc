//! Chat nodes come and go.

use cluster_tests::{Rig, Shape, Trial, until};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens() {
    let rig = Rig::start(Shape::One);
    Trial::new("none").after(6).run(&rig, async |_| {}).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_killed() {
    let rig = Rig::start(Shape::One);
    let kill = async |rig: &Rig| rig.act(|stack| stack.kill("node-2")).await;
    Trial::new("kill -9 of a node").run(&rig, kill).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_killed_and_comes_back() {
    let rig = Rig::start(Shape::One);
    let restart = async |rig: &Rig| {
        rig.act(|stack| {
            stack.kill("node-1")?;
            stack.start(&["node-1"])
        })
        .await;
    };
    Trial::new("kill -9 and restart of a node").run(&rig, restart).await;
}

/// Drained by SIGTERM one after another: nobody sees an error.
#[tokio::test(flavor = "multi_thread")]
async fn all_nodes_restart_in_turn() {
    let rig = Rig::start(Shape::One);
    let roll = async |rig: &Rig| {
        for node in ["node-1", "node-2", "node-3"] {
            rig.act(move |stack| {
                stack.stop(node)?;
                stack.start(&[node])
            })
            .await;
        }
    };
    Trial::new("rolling restart of all nodes").after(30).run(&rig, roll).await;
}

/// The balancer goes past a node that drains: its people leave without an error, and nobody comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_drained_node_is_left() {
    let rig = Rig::start(Shape::One);
    let drain = async |rig: &Rig| {
        rig.act(|stack| stack.stop("node-3")).await;
        until("the others to have everybody", async || {
            let mut connections = 0;
            for node in ["node-1", "node-2"] {
                connections += rig.admin(node, "/load").await.ok()?["connections"].as_u64()?;
            }
            (connections >= 80).then_some(())
        })
        .await;
    };
    Trial::new("drain of a node by SIGTERM").run(&rig, drain).await;
}
