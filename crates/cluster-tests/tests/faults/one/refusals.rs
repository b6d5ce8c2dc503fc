//! Wrong addresses and wrong passwords, from the flags to what a person reads: `/readyz` names the backend, its address and
//! what to check, the node never half-starts, and no secret is in its log.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cluster_tests::{Rig, Shape, until};
use elastic_chat_load::client::{Http, RestError};
use hyper::Method;
use tempfile::TempDir;

const SECRETS: [&str; 2] = ["hunter2-the-wrong-one", "hunter3-the-right-one"];

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|taken| taken.local_addr()).expect("a port")
}

fn redis_with_password(folder: &Path, address: SocketAddr) -> Running {
    let port = address.port().to_string();
    let mut redis = Command::new("redis-server");
    redis.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--requirepass", SECRETS[1]]);
    Running(redis.current_dir(folder).stdout(Stdio::null()).spawn().expect("redis-server"))
}

/// A node with these flags, which can't serve, and what `/readyz` says of a backend once it `fits`; then its log.
async fn told(rig: &Rig, flags: &[(&str, String)], backend: &str, fits: impl Fn(&str) -> bool) -> (String, String) {
    let folder = TempDir::new().expect("a folder");
    let (listen, admin, log) = (free(), free(), folder.path().join("log"));
    let ports = rig.ports();
    let sound = [
        ("--listen", listen.to_string()),
        ("--admin", admin.to_string()),
        ("--data-dir", folder.path().display().to_string()),
        ("--redis", format!("redis://{}", ports.redis(1))),
        ("--kafka", ports.kafka(1).to_string()),
        ("--cassandra", ports.cassandra(1).to_string()),
        ("--log", "debug".to_owned()),
    ];
    let mut node = Command::new(rig.binaries().join("chat-node"));
    node.arg("serve");
    for (flag, value) in sound.iter().filter(|(flag, _)| !flags.iter().any(|(other, _)| flag == other)).chain(flags) {
        node.args([*flag, value]);
    }
    let out = std::fs::File::create(&log).expect("a log");
    let running = Running(node.stdout(Stdio::null()).stderr(out).spawn().expect("chat-node"));
    let mut last = String::new();
    let detail = until(&format!("{backend} to be told of: {flags:?}"), async || {
        let Err(RestError::Status(503, answer)) =
            Http::new(&admin.to_string()).call(Method::GET, "/readyz", None, None).await
        else {
            return None;
        };
        let checks = answer["checks"].as_array()?;
        let check = checks.iter().find(|check| check["name"] == backend)?;
        let detail = check["detail"].as_str()?.to_owned();
        if detail != last {
            println!("{backend}: {detail}");
            last.clone_from(&detail);
        }
        (check["ok"] == false && fits(&detail)).then_some(detail)
    })
    .await;
    assert!(std::net::TcpStream::connect(listen).is_err(), "it never half-starts");
    let written = until("the log to tell", async || {
        let text = std::fs::read_to_string(&log).ok()?;
        text.contains("waiting for a backend").then_some(text)
    })
    .await;
    drop(running);
    (detail, written)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_of_redis_is_told_and_stays_secret() {
    let rig = Rig::start(Shape::One);
    let (folder, address) = (TempDir::new().expect("a folder"), free());
    let _redis = redis_with_password(folder.path(), address);
    let file = folder.path().join("password");
    let redis = ("--redis", format!("redis://{address}"));
    // None at all, then a wrong one.
    let names_it = |detail: &str| detail.contains(&address.to_string()) && detail.contains("password file");
    let (_, log) = told(&rig, std::slice::from_ref(&redis), "tail", names_it).await;
    assert!(log.contains(&address.to_string()), "{log}");
    std::fs::write(&file, format!("{}\n", SECRETS[0])).expect("written");
    let flags = [redis, ("--redis-password-file", file.display().to_string())];
    let (detail, log) = told(&rig, &flags, "tail", names_it).await;
    assert!(detail.starts_with("Redis"), "{detail}");
    assert!(log.contains("WRONGPASS") && log.contains(&address.to_string()), "{log}");
    for secret in SECRETS {
        assert!(!log.contains(secret) && !detail.contains(secret), "a secret in {detail}\n{log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_not_what_it_should_be_is_told_with_what_to_check() {
    let rig = Rig::start(Shape::One);
    let (redis, nowhere) = (rig.ports().redis(1), free());
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent_address = silent.local_addr().expect("an address");
    let strange = "does not answer as a Kafka broker";
    for (address, expected) in [(silent_address, strange), (redis, strange), (nowhere, "nobody listens there")] {
        let fits = |detail: &str| detail.contains(&address.to_string()) && detail.contains(expected);
        let (detail, _) = told(&rig, &[("--kafka", address.to_string())], "log", fits).await;
        assert!(detail.starts_with("Kafka"), "{detail}");
    }
    let fits = |detail: &str| detail.contains(&redis.to_string()) && detail.contains("TLS");
    told(&rig, &[("--redis", format!("rediss://{redis}"))], "tail", fits).await;
    let fits = |detail: &str| detail.contains(&silent_address.to_string()) && detail.contains("no answer");
    told(&rig, &[("--redis", format!("redis://{silent_address}"))], "tail", fits).await;
}
