//! The way between two parts is cut or slow: of each two that talk with each other.

use std::time::Duration;

use cluster_tests::{Course, Person, Rig, Shape, Trial, until};
use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::files::{path_of, raw};

const FIVE: Duration = Duration::from_secs(5);

/// Between nodes and each server, writers and each server, and all of them and each server.
#[tokio::test(flavor = "multi_thread")]
async fn the_ways_to_redis_and_cassandra_are_cut_and_slow() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        for (cut, names) in [
            ("5 s cut: nodes – Redis", &["redis-1"][..]),
            ("5 s cut: writers – Redis", &["redis-1-writers"]),
            ("5 s cut: all – Redis", &["redis-1", "redis-1-writers"]),
            ("5 s cut: nodes – Cassandra", &["cassandra-1"]),
            ("5 s cut: writers – Cassandra", &["cassandra-1-writers"]),
            ("5 s cut: all – Cassandra", &["cassandra-1", "cassandra-1-writers"]),
        ] {
            course.fault(cut, rig.cut(names, FIVE)).await;
            rig.written().await;
        }
        for (slow, names) in [
            ("200 ms more: all – Redis", ["redis-1", "redis-1-writers"]),
            ("200 ms more: all – Cassandra", ["cassandra-1", "cassandra-1-writers"]),
        ] {
            course.fault(slow, rig.slow(&names, FIVE)).await;
            rig.written().await;
        }
    };
    Trial::new("ways to Redis and Cassandra").after(1).run_each(&rig, faults).await;
    until("the writers to have all", async || (rig.lag().await? == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ways_to_the_broker_are_cut_and_slow() {
    let rig = Rig::start(Shape::One);
    let faults = async |course: &Course| {
        for (cut, names) in [
            ("5 s cut: nodes – Kafka", &["kafka-1"][..]),
            ("5 s cut: writers – Kafka", &["kafka-1-writers"]),
            ("5 s cut: all – Kafka", &["kafka-1", "kafka-1-writers"]),
        ] {
            course.fault(cut, rig.cut(names, FIVE)).await;
            rig.written().await;
        }
        course.fault("200 ms more: all – Kafka", rig.slow(&["kafka-1", "kafka-1-writers"], FIVE)).await;
        rig.written().await;
    };
    Trial::new("ways to the broker").after(1).run_each(&rig, faults).await;
    until("the writers to have all", async || (rig.lag().await? == 0).then_some(())).await;
}

/// Between people and the balancer, the balancer and one node, and nodes and S3.
#[tokio::test(flavor = "multi_thread")]
async fn the_ways_of_people_and_files_are_cut_and_slow() {
    let rig = Rig::start(Shape::One);
    let files = Files::new(&rig).await;
    let faults = async |course: &Course| {
        course.fault("5 s cut: people – nginx", rig.cut(&["nginx"], FIVE)).await;
        course.fault("200 ms more: people – nginx", rig.slow(&["nginx"], FIVE)).await;
        course.fault("5 s cut: nginx – one node", rig.cut(&["node-2"], FIVE)).await;
        course.fault("200 ms more: nginx – one node", rig.slow(&["node-2"], FIVE)).await;
        let cut = async {
            let ((), ()) = tokio::join!(rig.cut(&["s3"], FIVE), files.succeed());
        };
        let quiet = course.fault("5 s cut: nodes – S3", cut).await;
        assert!(quiet.ack_gap < Duration::from_secs(2), "nobody who talks waits for S3: {quiet:?}");
        let slow = async {
            let ((), ()) = tokio::join!(rig.slow(&["s3"], FIVE), files.succeed());
        };
        course.fault("200 ms more: nodes – S3", slow).await;
        let refused = async {
            rig.proxies().refuse("s3").expect("closed");
            let (id, part) = files.declare().await;
            files.fail(&part).await;
            rig.proxies().heal().expect("heal");
            files.bring(&id, &part).await;
        };
        course.fault("S3 refuses connections", refused).await;
    };
    let trial = Trial { by_proxy: true, ..Trial::new("ways of people and files") };
    trial.after(1).run_each(&rig, faults).await;
}

/// Somebody with a file in S3, and another one to bring there.
struct Files {
    node: String,
    ada: Person,
    room: String,
    there: String,
}

const BYTES: &[u8] = b"what somebody keeps in a file";

impl Files {
    async fn new(rig: &Rig) -> Self {
        let node = rig.node(1).to_string();
        let ada = Person::new(&node, "ada").await;
        let room = ada.group(&[]).await;
        let mut files = Self { node, ada, room, there: String::new() };
        let (there, part) = files.declare().await;
        files.there = there;
        assert_eq!(files.put(&part).await.0, 200);
        files.complete(&files.there).await;
        files
    }

    /// A new file: its id, and where its bytes go.
    async fn declare(&self) -> (String, String) {
        let hash = Sha256::digest(BYTES).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        let body = json!({"name": "a.bin", "size": BYTES.len(), "type": "application/octet-stream", "sha256": hash,
            "conversation": self.room});
        let file = self.ada.call(Method::POST, "/v1/files", Some(body)).await.expect("declared");
        let url = file["upload"]["url"].as_str().expect("an address");
        (file["id"].as_str().expect("an id").to_owned(), path_of(url))
    }

    async fn put(&self, part: &str) -> (u16, Vec<u8>) {
        let (status, _, body) = raw(&self.node, Method::PUT, part, None, BYTES.to_vec()).await;
        (status, body.to_vec())
    }

    async fn complete(&self, id: &str) {
        let path = format!("/v1/files/{id}/complete");
        self.ada.call(Method::POST, &path, None).await.expect("complete");
    }

    async fn get(&self) -> (u16, Vec<u8>) {
        let (token, path) = (Some(self.ada.account.token.as_str()), format!("/v1/files/{}", self.there));
        let (status, location, _) = raw(&self.node, Method::GET, &path, token, Vec::new()).await;
        assert_eq!(status, 302, "links need no S3");
        let (status, _, body) = raw(&self.node, Method::GET, &path_of(&location), None, Vec::new()).await;
        (status, body.to_vec())
    }

    /// Up and down, however long it takes.
    async fn succeed(&self) {
        let (id, part) = self.declare().await;
        self.bring(&id, &part).await;
    }

    async fn bring(&self, id: &str, part: &str) {
        let begin = std::time::Instant::now();
        let (up, down) = tokio::join!(self.put(part), self.get());
        assert_eq!(up.0, 200, "{}", String::from_utf8_lossy(&up.1));
        self.complete(id).await;
        assert!(down == (200, BYTES.to_vec()), "{} {}", down.0, String::from_utf8_lossy(&down.1));
        println!("a file went up, and one came down, in {:.1} s", begin.elapsed().as_secs_f64());
    }

    /// Both are answered with what is wrong, and that trying again may help.
    async fn fail(&self, part: &str) {
        let (up, down) = tokio::join!(self.put(part), self.get());
        for (status, body) in [up, down] {
            let problem: Value = serde_json::from_slice(&body).expect("a problem");
            assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{problem}");
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("file store")), "{problem}");
        }
    }
}
