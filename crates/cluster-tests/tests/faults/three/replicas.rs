//! One of three is killed, and comes back.

use std::time::Duration;

use cluster_tests::{Rig, Shape, Trial};

async fn killed_for_a_while(rig: &Rig, name: &'static str, seconds: u64) {
    rig.act(move |stack| stack.kill(name)).await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    rig.act(move |stack| stack.start(&[name])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_is_killed() {
    let rig = Rig::start(Shape::Three);
    let fault = async |rig: &Rig| killed_for_a_while(rig, "kafka-2", 10).await;
    Trial::new("kill -9 of one of three brokers").after(30).run(&rig, fault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cassandra_node_is_killed() {
    let rig = Rig::start(Shape::Three);
    let fault = async |rig: &Rig| killed_for_a_while(rig, "cassandra-3", 8).await;
    Trial::new("kill -9 of one of three Cassandra nodes").after(30).run(&rig, fault).await;
}
