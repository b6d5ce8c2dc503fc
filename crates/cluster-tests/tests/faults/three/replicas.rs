//! One of three is killed, and comes back.

use std::time::Duration;

use cluster_tests::{Course, Rig, Shape, Trial};

async fn killed_for_a_while(rig: &Rig, name: &'static str, seconds: u64) {
    rig.act(move |stack| stack.kill(name)).await;
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    rig.act(move |stack| stack.start(&[name])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_three_servers_is_killed() {
    let rig = Rig::start(Shape::Three);
    let faults = async |course: &Course| {
        course.fault("kill -9 of one of three brokers", killed_for_a_while(&rig, "kafka-2", 10)).await;
        rig.written().await;
        let killed = killed_for_a_while(&rig, "cassandra-3", 8);
        course.fault("kill -9 of one of three Cassandra nodes", killed).await;
        rig.written().await;
    };
    Trial::new("one of three is killed").after(1).run_each(&rig, faults).await;
}
