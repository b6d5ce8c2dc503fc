//! Addresses where no Cassandra is, or one that does not let us in: the error names the address, and says what to do.
//! Passwords and TLS need servers that have them: `ELASTIC_CHAT_TEST_SECRETS` names the folder, as `./dev test` does.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use chat_cassandra::{CassandraConfig, CassandraStore, migrate};
use chat_ports::store::MessageStore as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::rig::{SECRETS, config, ready, server, until};

fn secret(name: &str) -> PathBuf {
    let folder = std::env::var(SECRETS).unwrap_or_else(|_| panic!("set {SECRETS}, or run ./dev test"));
    PathBuf::from(folder).join(name)
}

/// Until a store says all of `words`, and its address, without giving up.
async fn says(config: CassandraConfig, words: &[&str]) {
    let address = config.contact_points[0].clone();
    let store = CassandraStore::open(config).expect("opens: whether it works shows later");
    let mut last = String::new();
    let told = tokio::time::timeout(Duration::from_secs(30), async {
        loop {
            let error = store.check().await.expect_err("it can't work");
            assert!(error.retryable(), "it may work later: {error}");
            last = error.to_string();
            assert!(!last.contains("wrong-secret"), "{last}");
            if last.contains(&address) && words.iter().all(|word| last.contains(word)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(told.await.is_ok(), "{words:?} not in {last}");
    println!("{last}");
    store.close().await;
}

fn at(address: &str) -> CassandraConfig {
    CassandraConfig { contact_points: vec![address.to_owned()], ..config() }
}

/// Somebody who answers whatever comes with `answer`.
async fn stranger(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4_096];
                while stream.read(&mut request).await.is_ok_and(|count| count > 0) {
                    if !answer.is_empty() && stream.write_all(answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn no_cassandra_is_there() {
    let (silent, web) = (stranger(b"").await, stranger(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let nobody = listener.local_addr().expect("an address").to_string();
    drop(listener);
    tokio::join!(
        says(at(&nobody), &["refused", "the node is up"]),
        says(at("no-such-host.invalid:9042"), &["no such host"]),
        says(at(&silent), &["CQL port"]),
        says(at(&web), &["CQL port"]),
    );
    let error = migrate(&at(&web), 1).await.expect_err("no Cassandra").to_string();
    assert!(error.contains(&web) && error.contains("CQL port"), "{error}");
}

/// What speaks TLS and nothing else.
struct TlsOnly(Child);

impl TlsOnly {
    async fn start(address: &str) -> Self {
        let (certificate, key) = (secret("server.crt"), secret("server.key"));
        let mut command = Command::new("openssl");
        command.args(["s_server", "-quiet", "-accept", address, "-cert"]).arg(certificate).arg("-key").arg(key);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let server = Self(child.expect("openssl on the PATH"));
        until("it listens", async || tokio::net::TcpStream::connect(address).await.is_ok()).await;
        server
    }
}

impl Drop for TlsOnly {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_where_there_is_none_and_none_where_there_is() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let _server = TlsOnly::start(&address).await;
    // As Cassandra answers what is no frame.
    let plain = stranger(b"\x84\x00\x00\x00\x00\x00\x00\x00\x08\x00\x00\x00\x0a\x00\x02no").await;
    let folder = std::env::temp_dir().join(format!("another-authority-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=another-authority", "-keyout", "ca.key", "-out", "ca.crt"])
        .current_dir(&folder)
        .output()
        .expect("openssl");
    assert!(made.status.success());
    let distrustful = CassandraConfig { ca_file: Some(folder.join("ca.crt")), ..config() };
    let tls = CassandraConfig { ca_file: Some(secret("ca.crt")), ..at(&plain) };
    tokio::join!(
        says(at(&address), &["CA file"]),
        says(tls, &["does not speak TLS"]),
        says(distrustful, &["check the CA file"]),
    );
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_and_with_a_password_all_works() {
    let config = CassandraConfig { ca_file: Some(secret("ca.crt")), ..config() };
    migrate(&config, 1).await.expect("migrates");
    let store = CassandraStore::open(config).expect("opens");
    ready(&store).await;
    let conv = chat_ports::contract::conversation();
    let message = crate::rig::message(conv, 1, chat_ports::contract::user(), crate::rig::client_msg_id());
    store.apply(vec![message]).await.expect("apply");
    assert!(store.message(conv, chat_core::Seq::new(1)).await.expect("a row").is_some());
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_in_is_told_and_let_in_when_the_file_is_right() {
    migrate(&config(), 1).await.expect("migrates");
    says(CassandraConfig { username: None, password_file: None, ..config() }, &["the username and the password file"])
        .await;
    let path = std::env::temp_dir().join(format!("cassandra-password-{}", std::process::id()));
    let mut file = std::fs::File::create(&path).expect("a file");
    writeln!(file, "wrong-secret").expect("written");
    let wrong = CassandraConfig { password_file: Some(path.clone()), ..config() };
    let error = migrate(&wrong, 1).await.expect_err("a wrong password").to_string();
    assert!(error.contains(&server()) && error.contains("the password file"), "{error}");
    assert!(!error.contains("wrong-secret"), "{error}");
    says(wrong.clone(), &["the username and the password file"]).await;
    let store = CassandraStore::open(wrong).expect("opens");
    until("refused", async || store.check().await.is_err_and(|e| e.to_string().contains("the password file"))).await;
    std::fs::copy(secret("cassandra-password"), &path).expect("copied");
    ready(&store).await;
    store.close().await;
    std::fs::remove_file(&path).expect("removed");
}
