//! Redis and the one broker are killed, or lose what they have.

use std::io::Write as _;
use std::net::TcpStream;

use cluster_tests::{Rig, Shape, Trial};

#[tokio::test(flavor = "multi_thread")]
async fn redis_loses_everything() {
    let rig = Rig::start(Shape::One);
    let flush = async |rig: &Rig| {
        let address = rig.redis();
        rig.act(move |_| Ok(TcpStream::connect(address)?.write_all(b"FLUSHALL\r\n")?)).await;
    };
    Trial::new("FLUSHALL of Redis").run(&rig, flush).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_killed_and_comes_back() {
    let rig = Rig::start(Shape::One);
    let restart = async |rig: &Rig| {
        rig.act(|stack| {
            stack.kill("redis-1")?;
            stack.start(&["redis-1"])
        })
        .await;
    };
    Trial::new("kill -9 and restart of Redis").run(&rig, restart).await;
}

/// Acks go on; live delivery comes back with it.
#[tokio::test(flavor = "multi_thread")]
async fn redis_is_away_for_a_while() {
    let rig = Rig::start(Shape::One);
    let away = async |rig: &Rig| {
        rig.act(|stack| stack.kill("redis-1")).await;
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        rig.act(|stack| stack.start(&["redis-1"])).await;
    };
    let trouble = Trial::new("Redis away for 5 s").after(15).run(&rig, away).await;
    assert!(trouble.ack_gap.as_secs_f64() < 4.0, "acks do not wait for Redis: {trouble:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_killed_and_comes_back() {
    let rig = Rig::start(Shape::One);
    let restart = async |rig: &Rig| {
        rig.act(|stack| {
            stack.kill("kafka-1")?;
            stack.start(&["kafka-1"])
        })
        .await;
    };
    Trial::new("kill -9 and restart of the one broker").after(30).run(&rig, restart).await;
}
