//! Redis and the one broker are killed, or lose what they have.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use cluster_tests::{Course, Rig, Shape, Trial};

async fn restart(rig: &Rig, name: &'static str) {
    rig.act(move |stack| {
        stack.kill(name)?;
        stack.start(&[name])
    })
    .await;
}

/// Without Redis acks go on; live delivery comes back with it.
#[tokio::test(flavor = "multi_thread")]
async fn redis_and_the_broker_are_lost() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        let address = rig.redis();
        let flush = rig.act(move |_| Ok(TcpStream::connect(address)?.write_all(b"FLUSHALL\r\n")?));
        course.fault("FLUSHALL of Redis", flush).await;
        course.fault("kill -9 and restart of Redis", restart(&rig, "redis-1")).await;
        let away = async {
            rig.act(|stack| stack.kill("redis-1")).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
            rig.act(|stack| stack.start(&["redis-1"])).await;
        };
        let trouble = course.fault("Redis away for 5 s", away).await;
        assert!(trouble.ack_gap.as_secs_f64() < 4.0, "acks do not wait for Redis: {trouble:?}");
        course.fault("kill -9 and restart of the one broker", restart(&rig, "kafka-1")).await;
    };
    Trial::new("Redis and the broker are lost").after(1).run_each(&rig, faults).await;
}

/// Two faults at once. What is on its way to the log has its claim in Redis alone, and Redis comes back empty; or it has its
/// claim there, and the node that holds it is gone. The log is away for longer than a node waits before it tells its clients
/// to try again.
#[tokio::test(flavor = "multi_thread")]
async fn two_are_lost_at_once() {
    const MEANWHILE: Duration = Duration::from_secs(4);
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        let redis = async {
            rig.act(|stack| {
                stack.kill("kafka-1")?;
                stack.kill("redis-1")?;
                stack.start(&["redis-1"])
            })
            .await;
            tokio::time::sleep(MEANWHILE).await;
            rig.act(|stack| stack.start(&["kafka-1"])).await;
        };
        course.fault("kill -9 of Redis and of the one broker at once", redis).await;
        rig.written().await;
        let node = async {
            rig.act(|stack| stack.kill("kafka-1")).await;
            tokio::time::sleep(MEANWHILE).await;
            rig.act(|stack| {
                stack.kill("node-2")?;
                stack.start(&["kafka-1"])
            })
            .await;
        };
        course.fault("kill -9 of the one broker, and of a node that waits for it", node).await;
        rig.written().await;
    };
    Trial::new("two are lost at once").after(1).run_each(&rig, faults).await;
}
