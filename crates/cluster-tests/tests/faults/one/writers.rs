//! Writers come and go.

use std::time::Duration;

use cluster_tests::{Rig, Shape, Trial, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_is_killed() {
    let rig = Rig::start(Shape::One);
    let kill = async |rig: &Rig| rig.act(|stack| stack.kill("writer-1")).await;
    Trial::new("kill -9 of a writer").after(16).run(&rig, kill).await;
    until("the other writer to catch up", async || (rig.lag().await? == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_rebalance_ten_times() {
    let rig = Rig::start(Shape::One);
    let rebalance = async |rig: &Rig| {
        for _ in 0..5 {
            rig.act(|stack| stack.stop("writer-2")).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            rig.act(|stack| stack.start(&["writer-2"])).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    Trial::new("two writers rebalanced ten times").after(25).run(&rig, rebalance).await;
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;
}
