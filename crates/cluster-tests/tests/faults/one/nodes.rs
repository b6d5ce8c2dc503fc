//! Chat nodes come and go.

use cluster_tests::{Course, Rig, Shape, Trial, until};

async fn start(rig: &Rig, node: &'static str) {
    rig.act(move |stack| stack.start(&[node])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_killed() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        course.fault("none", tokio::time::sleep(std::time::Duration::from_secs(2))).await;
        course.fault("kill -9 of a node", rig.act(|stack| stack.kill("node-2"))).await;
        start(&rig, "node-2").await;
        let restart = rig.act(|stack| {
            stack.kill("node-1")?;
            stack.start(&["node-1"])
        });
        course.fault("kill -9 and restart of a node", restart).await;
    };
    Trial::new("nodes are killed").after(1).run_each(&rig, faults).await;
}

/// Drained by SIGTERM, one and then one after another: nobody sees an error. The balancer goes past a node that drains: its
/// people leave, and nobody comes.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_drained_by_sigterm() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        let drain = async {
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
        course.fault("drain of a node by SIGTERM", drain).await;
        start(&rig, "node-3").await;
        let roll = async {
            for node in ["node-1", "node-2", "node-3"] {
                rig.act(move |stack| stack.stop(node)).await;
                start(&rig, node).await;
            }
        };
        course.fault("rolling restart of all nodes", roll).await;
    };
    Trial::new("nodes are drained").after(1).run_each(&rig, faults).await;
}
