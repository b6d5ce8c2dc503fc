//! Addresses where no Redis is, or not the one that is needed: the error names the address, and says what to do.

use std::time::Duration;

use chat_ports::{LiveTail as _, PortError};
use chat_redis::{Redis, RedisConfig, RedisTail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::certificates::certificates;
use crate::rig::{standalone, standalone_url};
use crate::server::{Server, free_port};

/// What `url` comes to; twice, since the second one does not wait.
async fn refusal(url: &str, ca_file: Option<&str>) -> String {
    let rig = standalone().await;
    let config = RedisConfig { url: url.to_owned(), ca_file: ca_file.map(Into::into), ..RedisConfig::default() };
    let redis = Redis::open(config).expect("opens: whether it works shows later");
    let tail = RedisTail::new(redis.clone(), std::sync::Arc::clone(&rig.embedded.store) as _);
    let mut last = String::new();
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        let error = tail.check().await.expect_err("it can't work");
        assert!(matches!(error, PortError::Unavailable { .. }), "it may work later: {error:?}");
        assert!(begun.elapsed() < Duration::from_secs(3));
        // The first one may not have waited for the whole attempt.
        if error.to_string() == last {
            break;
        }
        last = error.to_string();
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    redis.close().await;
    println!("{last}");
    last
}

/// What is answered to HELLO, and to each other command.
#[derive(Clone, Copy)]
struct Answers(&'static [u8], &'static [u8]);

impl Answers {
    fn to(self, request: &[u8]) -> Vec<u8> {
        let request = String::from_utf8_lossy(request).into_owned();
        let commands = request.lines().filter(|line| line.starts_with('*')).count();
        let hellos = request.matches("HELLO").count();
        [self.0.repeat(hellos), self.1.repeat(commands.saturating_sub(hellos))].concat()
    }
}

/// Somebody who answers, and goes on listening.
async fn stranger(answers: Answers) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 256 * 1024];
                while let Ok(count @ 1..) = stream.read(&mut request).await {
                    if stream.write_all(&answers.to(&request[..count])).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[tokio::test]
async fn nobody_is_there() {
    let port = free_port();
    let told = refusal(&format!("redis://127.0.0.1:{port}"), None).await;
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("is it running"), "{told}");
    let told = refusal("redis://no-such-host.invalid:6379", None).await;
    assert!(told.contains("no-such-host.invalid:6379") && told.contains("no such host"), "{told}");
}

#[tokio::test]
async fn somebody_is_there_who_says_nothing() {
    let port = stranger(Answers(b"", b"")).await;
    let told = refusal(&format!("redis://127.0.0.1:{port}"), None).await;
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("no answer"), "{told}");
}

#[tokio::test]
async fn a_web_server_is_there() {
    let port = stranger(Answers(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", b"")).await;
    let told = refusal(&format!("redis://127.0.0.1:{port}"), None).await;
    assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains("not Redis"), "{told}");
}

#[tokio::test]
async fn tls_where_there_is_none_and_none_where_there_is() {
    let told = refusal(&standalone_url().replacen("redis://", "rediss://", 1), None).await;
    assert!(told.contains("127.0.0.1") && told.contains("write redis:// for rediss://"), "{told}");
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (crt, key, ca, port) = (path("tls.crt"), path("tls.key"), path("ca.crt"), free_port().to_string());
    let files = ["--tls-cert-file", &crt, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    let _server = Server::start(&[&files[..], &["--tls-port", &port, "--tls-auth-clients", "no"]].concat()).await;
    let told = refusal(&format!("redis://127.0.0.1:{port}"), None).await;
    assert!(told.contains(&port) && told.contains("rediss://"), "{told}");
}

/// Word for word what Redis 6.2.14 and 5.0.6 answer: Debian has no older one than 7.
#[tokio::test]
async fn an_older_server_is_there() {
    const SIX: &[u8] =
        b"%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$6\r\n6.2.14\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n\
        :3\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
    const FIVE: &[u8] = b"-ERR unknown command `HELLO`, with args beginning with: `3`, \r\n";
    const OTHER: &[u8] = b"-ERR Unknown subcommand or wrong number of arguments for 'SETINFO'. Try CLIENT HELP.\r\n";
    let (six, five) = (stranger(Answers(SIX, OTHER)).await, stranger(Answers(FIVE, OTHER)).await);
    for (port, version) in [(six, "6.2.14"), (five, "")] {
        let told = refusal(&format!("redis://127.0.0.1:{port}"), None).await;
        assert!(told.contains(&format!("127.0.0.1:{port}")) && told.contains(version), "{told}");
        assert!(told.contains("Redis 7 or later is needed"), "{told}");
    }
}
