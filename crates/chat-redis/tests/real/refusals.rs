//! Errors that somebody has to act on say how.

use std::io::Write as _;

use chat_ports::{LiveTail as _, PortError};
use chat_redis::{Redis, RedisConfig, RedisTail};

use crate::rig::{conversation, over, standalone, standalone_url};
use crate::server::Server;

async fn refusal(server: &Server, config: RedisConfig) -> String {
    let rig = standalone().await;
    let redis = Redis::open(RedisConfig { url: server.url(), ..config }).expect("a configuration");
    let tail = RedisTail::new(redis, std::sync::Arc::clone(&rig.embedded.store) as _);
    tail.head(conversation()).await.expect_err("refused").to_string()
}

fn password(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(file, "{text}").expect("written");
    file
}

#[tokio::test]
async fn a_wrong_password() {
    let server = Server::start(&["--requirepass", "right"]).await;
    let error = refusal(&server, RedisConfig::default()).await;
    assert!(error.contains("password file"), "{error}");
    let wrong = password("wrong");
    let config = RedisConfig { password_file: Some(wrong.path().to_owned()), ..RedisConfig::default() };
    let error = refusal(&server, config).await;
    assert!(error.contains("password file") && !error.contains("wrong\""), "{error}");
    let config = RedisConfig { password_file: Some("/nowhere/password".into()), ..RedisConfig::default() };
    let error = refusal(&server, config).await;
    assert!(error.contains("/nowhere/password"), "{error}");
}

#[tokio::test]
async fn a_right_password_is_read_again_for_each_connection() {
    let server = Server::start(&["--requirepass", "right"]).await;
    let mut file = password("wrong");
    let config = RedisConfig {
        url: server.url(),
        password_file: Some(file.path().to_owned()),
        username: Some("default".into()),
        ..RedisConfig::default()
    };
    let rig = standalone().await;
    let tail = RedisTail::new(Redis::open(config).expect("opens"), std::sync::Arc::clone(&rig.embedded.store) as _);
    tail.check().await.expect_err("wrong");
    file.as_file_mut().set_len(0).expect("emptied");
    std::fs::write(file.path(), "right\n").expect("written");
    crate::rig::until("let in", async || tail.check().await.is_ok()).await;
}

/// The rules of docs/reference/redis.md are enough, and less is told apart.
#[tokio::test]
async fn permissions() {
    const RULES: &[&str] = &[
        "resetkeys",
        "~c:*",
        "~u:*",
        "~{nodes}:*",
        "~rl:*",
        "resetchannels",
        "&node:*",
        "-@all",
        "+@read",
        "+@write",
        "+@scripting",
        "+@pubsub",
        "+@connection",
        "+time",
        "-@dangerous",
        "+cluster|slots",
        "+info",
    ];
    let server = Server::start(&[]).await;
    let raw = server.raw().await;
    let secret = password("secret");
    for (name, extra) in [("chat", None), ("less", Some("-evalsha"))] {
        let words: Vec<_> =
            ["ACL", "SETUSER", name, "on", ">secret"].iter().chain(RULES).copied().chain(extra).collect();
        raw.say::<()>(&words).await;
    }
    let open = |name: &str| RedisConfig {
        url: server.url(),
        username: Some(name.to_owned()),
        password_file: Some(secret.path().to_owned()),
        ..RedisConfig::default()
    };
    let error = refusal(&server, open("less")).await;
    assert!(error.contains("NOPERM") && error.contains("docs/reference/redis.md"), "{error}");

    let mut rig = over(&server.url(), raw);
    let redis = Redis::open(open("chat")).expect("opens");
    let store = || std::sync::Arc::clone(&rig.embedded.store) as _;
    let tail = crate::recording::Recording::new(RedisTail::new(redis.clone(), store()));
    let directory = std::sync::Arc::new(chat_redis::RedisDirectory::new(redis.clone(), store()));
    (rig.redis, rig.tail, rig.directory) = (redis, tail, directory);
    everything(&rig).await;
}

async fn everything(rig: &crate::rig::Rig) {
    use chat_ports::Directory as _;
    let (here, who, conv) = (crate::rig::node(), crate::rig::user(), conversation());
    let event = bytes::Bytes::from_static(b"{}");
    let seq = chat_core::Seq::new(1);
    let now = chat_core::Timestamp::from_millis(1);
    let id = chat_core::ClientMsgId::new(uuid::Uuid::new_v4());
    let phone = crate::rig::lease(who, &here);
    rig.directory.renew(&here).await.expect("renew");
    rig.directory.enter(phone.clone()).await.expect("enter");
    rig.directory.watch(&here, &[who], &[]).await.expect("watch");
    rig.directory.presence(&[who]).await.expect("presence");
    let quota = chat_ports::Quota { count: 1, per_ms: 1_000 };
    rig.directory.take("x", quota, now).await.expect("take");
    assert_eq!(rig.redis.counters().rates_local, 0, "the quota is Redis'");
    let mut channel = rig.tail.subscribe(&here).await.expect("subscribe");
    rig.tail.register(conv, &here).await.expect("register");
    rig.tail.append(conv, seq, event.clone()).await.expect("append");
    rig.tail.repair(conv, vec![(seq, event)], seq).await.expect("repair");
    let head = rig.tail.head(conv).await.expect("head");
    rig.tail.since(conv, &head.epoch, chat_core::Rev::ZERO, 9).await.expect("since");
    rig.tail.newer_than(conv, chat_core::Seq::ZERO).await.expect("newer");
    rig.tail.claim(conv, who, id).await.expect("claim");
    rig.tail.settle(conv, who, id, seq, now).await.expect("settle");
    rig.tail.advance_cursor(conv, who, chat_core::ReadCursor::read_up_to(seq)).await.expect("advance");
    rig.tail.cursor(conv, who).await.expect("cursor");
    rig.tail.nodes(conv).await.expect("nodes");
    let frame = chat_wire::NodeFrame::Membership { user: who, conversation: conv, member: true };
    rig.tail.publish(&here, vec![frame]).await.expect("publish");
    let got = tokio::time::timeout(std::time::Duration::from_secs(5), channel.recv()).await;
    assert!(got.expect("in time").is_some());
    rig.tail.unregister(conv, &here).await.expect("unregister");
    rig.directory.leave(phone, now).await.expect("leave");
    rig.directory.retire(&here).await.expect("retire");
    rig.tail.check().await.expect("check");
}

#[tokio::test]
async fn a_full_server_is_full() {
    let server = Server::start(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]).await;
    let raw = server.raw().await;
    let rig = over(&server.url(), raw);
    let event = bytes::Bytes::from(vec![b'x'; 100_000]);
    let mut last = None;
    for seq in 1..200 {
        match rig.tail.append(conversation(), chat_core::Seq::new(seq), event.clone()).await {
            Ok(_) => {}
            Err(error) => last = Some(error),
        }
    }
    let error = last.expect("3 MB are full");
    assert!(matches!(&error, PortError::Full { .. }) && error.retryable(), "{error}");
}

#[tokio::test]
async fn the_wrong_kind_of_server() {
    let rig = standalone().await;
    let error = async |url: &str| {
        let config = RedisConfig { url: url.to_owned(), ..RedisConfig::default() };
        let tail = RedisTail::new(Redis::open(config).expect("opens"), std::sync::Arc::clone(&rig.embedded.store) as _);
        tail.check().await.expect_err("the wrong kind").to_string()
    };
    let one = standalone_url();
    let told = error(&one.replacen("redis://", "redis+cluster://", 1)).await;
    assert!(told.contains("not part of a cluster"), "{told}");
    let told = error(&format!("{}/main", one.replacen("redis://", "redis+sentinel://", 1))).await;
    assert!(told.contains("not a sentinel"), "{told}");
    let cluster = std::env::var("ELASTIC_CHAT_TEST_REDIS_CLUSTER").expect("set ELASTIC_CHAT_TEST_REDIS_CLUSTER");
    let told = error(&cluster).await;
    assert!(told.contains("redis+cluster://"), "{told}");
}

#[tokio::test]
async fn what_does_not_speak_as_expected_is_told_with_what_to_check() {
    let rig = standalone().await;
    let error = async |url: &str| {
        let config = RedisConfig { url: url.to_owned(), ..RedisConfig::default() };
        let tail = RedisTail::new(Redis::open(config).expect("opens"), std::sync::Arc::clone(&rig.embedded.store) as _);
        let told = async || tail.check().await.expect_err("nothing to talk to").to_string();
        // The first calls come before any connection could be made.
        crate::rig::until("a reason", async || !told().await.contains("not connected yet")).await;
        told().await
    };
    let plain = standalone_url();
    let address = plain.trim_start_matches("redis://").to_owned();
    let told = error(&plain.replacen("redis://", "rediss://", 1)).await;
    assert!(told.contains(&address) && told.contains("TLS") && told.contains("redis://"), "{told}");
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let told = error(&format!("redis://{address}")).await;
    assert!(told.contains(&address) && told.contains("no answer"), "{told}");
}

/// A certificate of an authority of the test's own, for 127.0.0.1.
fn certificates(folder: &std::path::Path) {
    let openssl = |args: &str| {
        let mut command = std::process::Command::new("openssl");
        let output = command.args(args.split(' ')).current_dir(folder).output().expect("openssl on the PATH");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").expect("written");
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=ca -keyout ca.key -out ca.crt",
    );
    openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=redis -keyout tls.key -out tls.csr");
    openssl("x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out tls.crt");
}

#[tokio::test]
async fn over_tls() {
    let folder = tempfile::tempdir().expect("a folder");
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (crt, key, ca, port) = (path("tls.crt"), path("tls.key"), path("ca.crt"), crate::server::free_port());
    let port_text = port.to_string();
    let settings =
        ["--tls-port", &port_text, "--tls-cert-file", &crt, "--tls-key-file", &key, "--tls-ca-cert-file", &ca];
    let server = Server::start(&[&settings[..], &["--tls-auth-clients", "no"]].concat()).await;
    let rig = standalone().await;
    let open = |ca_file: Option<&str>| {
        let url = format!("rediss://127.0.0.1:{port}");
        let config = RedisConfig { url, ca_file: ca_file.map(Into::into), ..RedisConfig::default() };
        Redis::open(config).expect("opens")
    };
    let config = RedisConfig { url: format!("redis://127.0.0.1:{port}"), ..RedisConfig::default() };
    let plain = RedisTail::new(Redis::open(config).expect("opens"), std::sync::Arc::clone(&rig.embedded.store) as _);
    let error = plain.check().await.expect_err("that port is for TLS").to_string();
    assert!(error.contains("rediss://"), "{error}");
    let tail = RedisTail::new(open(None), std::sync::Arc::clone(&rig.embedded.store) as _);
    let error = tail.check().await.expect_err("nobody knows this authority").to_string();
    assert!(error.contains("certificate"), "{error}");

    let (mut rig, redis) = (over(&server.url(), server.raw().await), open(Some(&ca)));
    let store = || std::sync::Arc::clone(&rig.embedded.store) as _;
    let tail = crate::recording::Recording::new(RedisTail::new(redis.clone(), store()));
    let directory = std::sync::Arc::new(chat_redis::RedisDirectory::new(redis.clone(), store()));
    (rig.redis, rig.tail, rig.directory) = (redis, tail, directory);
    everything(&rig).await;
}
