//! The way between two parts is cut or slow.

use std::time::Duration;

use cluster_tests::{Rig, Shape, Trial};

async fn cut(rig: &Rig, names: &[&str]) {
    let proxies = rig.proxies();
    for name in names {
        proxies.cut(name).expect("cut");
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    proxies.heal().expect("heal");
}

async fn slow(rig: &Rig, name: &str) {
    let proxies = rig.proxies();
    proxies.delay(name, 100, 20).expect("delay");
    tokio::time::sleep(Duration::from_secs(5)).await;
    proxies.heal().expect("heal");
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_cut_off() {
    let rig = Rig::start(Shape::One);
    Trial::new("5 s cut to Redis").after(15).run(&rig, async |rig| cut(rig, &["redis-1"]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_cut_off() {
    let rig = Rig::start(Shape::One);
    Trial::new("5 s cut to Kafka").after(25).run(&rig, async |rig| cut(rig, &["kafka-1"]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cassandra_is_cut_off() {
    let rig = Rig::start(Shape::One);
    Trial::new("5 s cut to Cassandra").after(15).run(&rig, async |rig| cut(rig, &["cassandra-1"]).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_slow() {
    let rig = Rig::start(Shape::One);
    Trial::new("200 ms latency to Redis").after(12).run(&rig, async |rig| slow(rig, "redis-1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_slow() {
    let rig = Rig::start(Shape::One);
    Trial::new("200 ms latency to Kafka").after(12).run(&rig, async |rig| slow(rig, "kafka-1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cassandra_is_slow() {
    let rig = Rig::start(Shape::One);
    Trial::new("200 ms latency to Cassandra").after(12).run(&rig, async |rig| slow(rig, "cassandra-1").await).await;
}
