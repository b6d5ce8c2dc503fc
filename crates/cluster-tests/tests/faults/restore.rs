//! The tables are gone, and come back from a snapshot and the log: the drill of `docs/how-to/backup-and-restore.md`.

use std::io::Write as _;
use std::net::TcpStream;
use std::ops::Range;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use cluster_tests::{Person, Rig, Shape, Socket, until};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use serde_json::Value;
use stack::Stack;

const KEYSPACE: &str = "chat";
const SNAPSHOT: &str = "drill";
const GROUP: &str = "chat-writer";
const WRITERS: [&str; 2] = ["writer-1", "writer-2"];
const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];

fn text(n: u32) -> String {
    format!("message {n}")
}

fn texts(numbers: Range<u32>) -> Vec<String> {
    numbers.map(text).collect()
}

async fn say(socket: &mut Socket, room: &str, numbers: Range<u32>) {
    for n in numbers {
        let id = socket.send(room, &text(n)).await;
        socket.acked(id).await;
    }
}

/// Waits until the writers have dealt with so many records since they began.
async fn stored(rig: &Rig, records: u64) {
    until("the writers to store everything", async || {
        let mut all = 0;
        for writer in WRITERS {
            all += rig.admin(writer, "/load").await.ok()?["records_total"].as_u64()?;
        }
        (all >= records).then_some(())
    })
    .await;
}

/// `nodetool`, as the distribution's script starts it.
fn nodetool(stack: &Stack, port: u16, words: &[&str]) -> anyhow::Result<()> {
    let command = stack.process("cassandra-1")?.command;
    let java =
        command.iter().find(|word| *word == "java" || word.ends_with("/java")).context("no java in the command")?;
    let classes = command.iter().skip_while(|word| *word != "-cp").nth(1).context("no class path in the command")?;
    let mut nodetool = Command::new(java);
    nodetool.args(command.iter().filter(|word| word.starts_with("--add-")));
    // It keeps a history below the home.
    nodetool.arg(format!("-Duser.home={}", stack.dir().display()));
    nodetool.args(["-cp", classes, "org.apache.cassandra.tools.NodeTool", "-h", "127.0.0.1", "-p", &port.to_string()]);
    let done = nodetool.args(words).output()?;
    let said = [done.stdout, done.stderr].concat();
    ensure!(done.status.success(), "nodetool {words:?}: {}", String::from_utf8_lossy(&said));
    Ok(())
}

/// In the place of each table's files those of the snapshot; what else the node had to replay is gone.
fn put_back(cassandra: &Path) -> anyhow::Result<usize> {
    let mut restored = 0;
    for table in std::fs::read_dir(cassandra.join("data").join(KEYSPACE))? {
        let table = table?.path();
        for entry in std::fs::read_dir(&table)? {
            let file = entry?.path();
            if file.is_file() {
                std::fs::remove_file(file)?;
            }
        }
        let Ok(snapshot) = std::fs::read_dir(table.join("snapshots").join(SNAPSHOT)) else { continue };
        for entry in snapshot {
            let file = entry?.path();
            let name = file.file_name().context("a file's name")?.to_owned();
            if file.is_file() && name != "manifest.json" && name != "schema.cql" {
                std::fs::copy(&file, table.join(name))?;
                restored += 1;
            }
        }
    }
    for log in std::fs::read_dir(cassandra.join("commitlog"))? {
        std::fs::remove_file(log?.path())?;
    }
    Ok(restored)
}

/// The writers' group forgets what it committed: they begin with the oldest record that Kafka has.
async fn forget_offsets(rig: &Rig) {
    let kafka: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", rig.kafka().to_string()).create().expect("a client");
    // Until the brokers have seen the last member go.
    until("the writers' group to be deleted", async || {
        let results = kafka.delete_groups(&[GROUP], &AdminOptions::new()).await.ok()?;
        results.iter().all(Result::is_ok).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_comes_back_from_a_snapshot_and_the_log() {
    let rig = Rig::start(Shape::Restored);
    let node = rig.node(1).to_string();
    let (ada, bob) = (Person::new(&node, "ada").await, Person::new(&node, "bob").await);
    let room = ada.group(&[&bob]).await;
    let (mut socket, _) = ada.socket(&node, "a", Value::Null).await;
    say(&mut socket, &room, 0..30).await;
    stored(&rig, 30).await;
    let jmx = rig.ports().cassandra_jmx(1).port();
    rig.act(move |stack| nodetool(stack, jmx, &["snapshot", "-t", SNAPSHOT, KEYSPACE])).await;
    say(&mut socket, &room, 30..60).await;
    stored(&rig, 60).await;
    drop(socket);

    // The disaster, and Redis with it.
    let redis = rig.redis();
    rig.act(move |stack| {
        WRITERS.iter().try_for_each(|name| stack.stop(name))?;
        NODES.iter().try_for_each(|name| stack.kill(name))?;
        stack.kill("cassandra-1")?;
        ensure!(put_back(&stack.dir().join("cassandra-1"))? > 0, "the snapshot has no file");
        TcpStream::connect(redis)?.write_all(b"FLUSHALL\r\n")?;
        stack.start(&["cassandra-1"])?;
        stack.start(&NODES)
    })
    .await;
    forget_offsets(&rig).await;
    let history = async || bob.texts(&node, &room).await.ok().map(|(texts, _)| texts);
    let before = until("history to be readable", history).await;
    assert!(before.len() >= 25 && before == texts(0..30)[..before.len()], "only the snapshot is there: {before:?}");

    rig.act(|stack| stack.start(&WRITERS)).await;
    until("the log to be read again", async || history().await.filter(|found| *found == texts(0..60))).await;
    let (mut socket, _) = ada.socket(&node, "a", Value::Null).await;
    say(&mut socket, &room, 60..61).await;
    assert_eq!(history().await, Some(texts(0..61)), "new messages come after the old ones");
}
