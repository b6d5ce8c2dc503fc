//! What cannot work says which address it is about and what to do, and works as soon as it is mended.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use chat_kafka::{Consumer, ConsumerConfig, ConsumerStatus, DeadLetters, KafkaConfig, KafkaLog, migrate};
use chat_ports::MessageLog as _;
use chat_ports::contract::{conversation, message_record, user};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::rig::{broker, own, until};

/// Of the user `chat` of the tests' brokers.
const USER: &str = "chat";
const PASSWORD: &str = "chat-secret";

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("set {name}, or run ./dev test"))
}

fn over_tls() -> KafkaConfig {
    let ca_file = Some(PathBuf::from(variable("ELASTIC_CHAT_TEST_SECRETS")).join("ca.crt"));
    KafkaConfig { brokers: vec![variable("ELASTIC_CHAT_TEST_KAFKA_TLS")], tls: true, ca_file, ..own() }
}

fn with_password(file: &tempfile::NamedTempFile) -> KafkaConfig {
    KafkaConfig {
        brokers: vec![variable("ELASTIC_CHAT_TEST_KAFKA_SECURED")],
        username: Some(USER.into()),
        password_file: Some(file.path().to_owned()),
        ..over_tls()
    }
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(file, "{text}").expect("written");
    file
}

/// Until the node's and the writer's side both say all of `words`, and the address.
async fn both_say(config: &KafkaConfig, words: &[&str]) {
    let log = KafkaLog::open(config).expect("opens");
    let consumer =
        Consumer::open(ConsumerConfig { kafka: config.clone(), group: "refused".into(), ..ConsumerConfig::default() })
            .expect("opens");
    let all = |text: &str| words.iter().all(|word| text.contains(word)) && text.contains(&config.addresses());
    let mut last = String::new();
    let found = tokio::time::timeout(Duration::from_secs(40), async {
        loop {
            let told = log.check().await.expect_err("it can't work").to_string();
            let status = consumer.status();
            last = format!("node: {told}\nwriter: {status:?}");
            assert!(!last.contains(PASSWORD) && !last.contains("wrong-secret"), "{last}");
            if all(&told) && matches!(&status, ConsumerStatus::Trying { detail } if all(detail)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(found.await.is_ok(), "{words:?} not in\n{last}");
    println!("{last}");
    consumer.close(Duration::from_secs(5)).await;
    log.close().await;
}

/// Somebody who is no broker: answers what comes with `answer`, and goes on listening.
async fn stranger(answer: &'static [u8]) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let task = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            connections.push(tokio::spawn(async move {
                let mut first = [0; 512];
                while stream.read(&mut first).await.is_ok_and(|count| count > 0) {
                    if !answer.is_empty() && stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            }));
        }
    });
    (address, task)
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_without_a_broker() {
    let (silent, _silent) = stranger(b"").await;
    let (web, _web) = stranger(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let at = |address: &str| KafkaConfig { brokers: vec![address.to_owned()], ..own() };
    tokio::join!(
        async { both_say(&at(&nobody), &["Connection refused", "nobody listens there"]).await },
        async { both_say(&at("no-such-host.invalid:9092"), &["no such host"]).await },
        async { both_say(&at(&silent), &["timed out", "does not answer as a Kafka broker"]).await },
        async { both_say(&at(&web), &["does not answer as a Kafka broker"]).await },
    );
    let error = migrate(&at(&web), 1, 1).await.expect_err("no broker").to_string();
    assert!(error.contains(&web) && error.contains("does not answer as a Kafka broker"), "{error}");
    let dead = DeadLetters::open(&at(&nobody)).expect("opens");
    let error = dead.scan(false, Duration::from_secs(5)).await.expect_err("no broker").to_string();
    assert!(error.contains(&nobody) && error.contains("nobody listens there"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_where_there_is_none_and_none_where_there_is() {
    let other = tempfile::tempdir().expect("a folder");
    let status = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=another-authority", "-keyout", "ca.key", "-out", "ca.crt"])
        .current_dir(other.path())
        .output()
        .expect("openssl");
    assert!(status.status.success());
    let tls = over_tls();
    let plain_server = KafkaConfig { brokers: vec![broker()], ..tls.clone() };
    let plain_client = KafkaConfig { tls: false, ca_file: None, ..tls.clone() };
    let distrustful = KafkaConfig { ca_file: Some(other.path().join("ca.crt")), ..tls };
    tokio::join!(
        async { both_say(&plain_server, &["does not speak TLS"]).await },
        async { both_say(&plain_client, &["one with TLS needs TLS"]).await },
        async { both_say(&distrustful, &["is not trusted"]).await },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_credentials() {
    let (right, wrong) = (file(PASSWORD), file("wrong-secret"));
    let secured = with_password(&wrong);
    let nobody = KafkaConfig { username: None, password_file: None, ..secured.clone() };
    let no_login_wanted = KafkaConfig { brokers: over_tls().brokers, ..with_password(&right) };
    tokio::join!(
        async { both_say(&secured, &["check the user name and the password file"]).await },
        async { both_say(&nobody, &["wants a user and a password"]).await },
        async { both_say(&no_login_wanted, &["takes no user"]).await },
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_all_works() {
    works(&over_tls()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_with_a_password_all_works() {
    let right = file(PASSWORD);
    works(&with_password(&right)).await;
}

/// Topics, the log, the writers' group, and dead letters.
async fn works(config: &KafkaConfig) {
    migrate(config, 2, 1).await.expect("topics");
    let log = KafkaLog::open(config).expect("opens");
    log.check().await.expect("ready");
    log.append(message_record(conversation(), user(), "x")).await.expect("append");
    let consumer = Consumer::open(ConsumerConfig {
        kafka: config.clone(),
        group: config.topic_prefix.clone(),
        ..ConsumerConfig::default()
    })
    .expect("opens");
    let read = async {
        loop {
            let partition = consumer.next().await.expect("open");
            if partition.source() == chat_kafka::Source::Cursors {
                continue;
            }
            tokio::select! {
                batch = partition.next(10, 1 << 20) => {
                    assert_eq!(batch.map(|records| records.len()), Some(1));
                    break;
                }
                () = tokio::time::sleep(Duration::from_secs(2)) => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), read).await.expect("read");
    let dead = DeadLetters::open(config).expect("opens");
    assert_eq!(dead.scan(false, Duration::from_secs(20)).await.expect("readable"), []);
    dead.check().await.expect("ready");
    consumer.close(Duration::from_secs(10)).await;
    dead.close().await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_mended_in_its_file_is_taken() {
    let password = file("wrong-secret");
    let config = with_password(&password);
    let right = file(PASSWORD);
    let right = KafkaConfig { topic_prefix: config.topic_prefix.clone(), ..with_password(&right) };
    migrate(&right, 1, 1).await.expect("topics");
    let log = KafkaLog::open(&config).expect("opens");
    let consumer = Consumer::open(ConsumerConfig {
        kafka: config.clone(),
        group: config.topic_prefix.clone(),
        ..ConsumerConfig::default()
    })
    .expect("opens");
    let error = log.check().await.expect_err("wrong").to_string();
    assert!(!error.contains("wrong-secret"), "{error}");
    std::fs::write(password.path(), PASSWORD).expect("written");
    until("the node is let in", async || log.check().await.is_ok()).await;
    until(
        "the writer is let in",
        async || matches!(consumer.status(), ConsumerStatus::Reading { partitions } if partitions > 0),
    )
    .await;
    log.append(message_record(conversation(), user(), "x")).await.expect("append");
    consumer.close(Duration::from_secs(10)).await;
    log.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_comes_to_life_is_taken() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let config = KafkaConfig { brokers: vec![address.clone()], ..own() };
    migrate(&KafkaConfig { brokers: vec![broker()], ..config.clone() }, 1, 1).await.expect("topics");
    let consumer = Consumer::open(ConsumerConfig {
        kafka: config.clone(),
        group: config.topic_prefix.clone(),
        ..ConsumerConfig::default()
    })
    .expect("opens");
    until("it says that nobody is there", async || {
        matches!(consumer.status(), ConsumerStatus::Trying { detail } if detail.contains("nobody listens there"))
    })
    .await;
    let listener = TcpListener::bind(&address).await.expect("the port");
    let door = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect(broker()).await.expect("the broker");
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    until("it reads", async || matches!(consumer.status(), ConsumerStatus::Reading { partitions } if partitions > 0))
        .await;
    consumer.close(Duration::from_secs(10)).await;
    door.abort();
}
