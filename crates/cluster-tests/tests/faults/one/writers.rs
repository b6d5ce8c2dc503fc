//! Writers come and go.

use std::time::Duration;

use cluster_tests::{Course, Rig, Shape, Trial, until};

const HALF: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn writers_are_killed_and_rebalanced() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        let kill = async {
            rig.act(|stack| stack.kill("writer-1")).await;
            // Its partitions are the other's when its session has ended.
            tokio::time::sleep(Duration::from_secs(7)).await;
            rig.written().await;
        };
        course.fault("kill -9 of a writer", kill).await;
        rig.act(|stack| stack.start(&["writer-1"])).await;
        let rebalance = async {
            for _ in 0..5 {
                rig.act(|stack| stack.stop("writer-2")).await;
                tokio::time::sleep(HALF).await;
                rig.act(|stack| stack.start(&["writer-2"])).await;
                tokio::time::sleep(HALF).await;
            }
        };
        course.fault("two writers rebalanced ten times", rebalance).await;
    };
    Trial::new("writers come and go").after(1).run_each(&rig, faults).await;
    until("the writers to catch up", async || (rig.lag().await? == 0).then_some(())).await;
}
