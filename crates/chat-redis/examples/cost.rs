//! What a message costs Redis: CPU time for the append and for the publish to two nodes, under pipelined load.
//!
//! `ELASTIC_CHAT_TEST_REDIS=redis://127.0.0.1:6379 cargo run --release -p chat-redis --example cost`, at a server that
//! nobody else uses. `TASKS` (256) send at once, `MESSAGES` (200000) in all, of `BYTES` (300) each.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use chat_core::{ConversationId, NodeId, Seq, Timestamp};
use chat_embedded::Embedded;
use chat_ports::{ChatStore, Clock, Directory as _, LiveTail as _};
use chat_redis::{Redis, RedisConfig, RedisDirectory, RedisTail};
use chat_wire::NodeFrame;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Each with two nodes.
const CONVERSATIONS: usize = 500;
/// How long hints may stay away.
const PATIENCE: Duration = Duration::from_mins(1);

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or_default())
    }
}

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// What the server used: CPU seconds of its main thread, and calls and microseconds of the two commands.
struct Usage {
    cpu: f64,
    scripts: (f64, f64),
    publishes: (f64, f64),
}

async fn usage(connection: &mut redis::aio::MultiplexedConnection) -> Result<Usage, redis::RedisError> {
    let info: String = redis::cmd("INFO").arg("all").query_async(connection).await?;
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<f64>().ok()).unwrap_or_default();
    let field = |name: &str| number(info.lines().find_map(|line| line.strip_prefix(name)));
    let command = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        let part = |key: &str| number(line.split(',').find_map(|part| part.strip_prefix(key)));
        (part("calls="), part("usec="))
    };
    Ok(Usage {
        cpu: field("used_cpu_sys_main_thread:") + field("used_cpu_user_main_thread:"),
        scripts: command("cmdstat_evalsha:"),
        publishes: command("cmdstat_spublish:"),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = std::env::var("ELASTIC_CHAT_TEST_REDIS").unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let (tasks, messages, bytes) = (setting("TASKS", 256), setting("MESSAGES", 200_000), setting("BYTES", 300));
    let folder = tempfile::tempdir()?;
    let embedded = Embedded::open(folder.path(), Arc::new(SystemClock))?;
    let store = || Arc::clone(&embedded.store) as Arc<dyn ChatStore>;
    let config = || RedisConfig { url: url.clone(), timeout: Duration::from_secs(5), ..RedisConfig::default() };
    let redis = Redis::open(config())?;
    let tail = Arc::new(RedisTail::new(redis.clone(), store()));
    let directory = Arc::new(RedisDirectory::new(redis.clone(), store()));
    let mut raw = redis::Client::open(url.as_str())?.get_multiplexed_async_connection().await?;

    let nodes: Vec<NodeId> = (0..2).map(|n| format!("cost-{n}").parse()).collect::<Result<_, _>>()?;
    let rooms: Arc<Vec<_>> = Arc::new((0..CONVERSATIONS).map(|_| ConversationId::new(Uuid::new_v4())).collect());
    let mut readers = JoinSet::new();
    for node in &nodes {
        directory.renew(node).await?;
        tail.positions(&rooms, node).await?;
        let mut channel = tail.subscribe(node).await?;
        readers.spawn(async move {
            let (mut frames, mut packs) = (0, 0);
            while frames < messages {
                match tokio::time::timeout(PATIENCE, channel.recv()).await {
                    Ok(Some(pack)) => {
                        frames += pack.len();
                        packs += 1;
                    }
                    _ => break,
                }
            }
            (frames, packs)
        });
    }
    let mut renewals = JoinSet::new();
    for node in nodes {
        let directory = Arc::clone(&directory);
        renewals.spawn(async move {
            while directory.renew(&node).await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }
    let event = Bytes::from(format!("{{\"text\":\"{}\"}}", "x".repeat(bytes)));
    for (name, publish) in [("append alone", false), ("append and publish to two nodes", true)] {
        let before = usage(&mut raw).await?;
        let began = Instant::now();
        let mut senders = JoinSet::new();
        for task in 0..tasks {
            let (tail, rooms, event) = (Arc::clone(&tail), Arc::clone(&rooms), event.clone());
            senders.spawn(async move {
                let base = if publish { 1_000_000_000 } else { 1 };
                for n in (task..messages).step_by(tasks) {
                    let (room, seq) = (rooms[n % rooms.len()], Seq::new(base + n as u64));
                    let appended = tail.append(room, seq, event.clone()).await?;
                    if publish {
                        for node in &appended.nodes {
                            let frame = NodeFrame::Event {
                                conversation: room,
                                epoch: appended.epoch.clone(),
                                rev: appended.rev,
                                seq,
                                event: event.clone(),
                            };
                            tail.publish(node, vec![frame]).await?;
                        }
                    }
                    if n % 100 == 0 {
                        tail.mark_persisted(room, seq).await?;
                    }
                }
                Ok::<_, chat_ports::PortError>(())
            });
        }
        while let Some(done) = senders.join_next().await {
            done??;
        }
        let took = began.elapsed().as_secs_f64();
        if publish {
            while let Some(read) = readers.join_next().await {
                let (frames, packs) = read?;
                println!("  a node got {frames} of {messages} hints in {packs} publishes");
            }
        }
        let after = usage(&mut raw).await?;
        let count = f64::from(u32::try_from(messages)?);
        let each = |(calls, usec): (f64, f64), (calls_before, usec_before): (f64, f64)| {
            ((calls - calls_before) / count, (usec - usec_before) / count)
        };
        let ((scripts, script_us), (publishes, publish_us)) =
            (each(after.scripts, before.scripts), each(after.publishes, before.publishes));
        println!("{name}: {:.0}/s with {tasks} tasks", count / took);
        println!("  Redis CPU for a message: {:.2} us in all", (after.cpu - before.cpu) * 1e6 / count);
        println!(
            "  of it in commands: scripts {script_us:.2} us ({scripts:.2} calls), publish {publish_us:.2} us ({publishes:.3} calls)"
        );
    }
    println!("dropped or lost: {:?}", redis.counters());
    redis.close().await;
    embedded.shutdown().await;
    Ok(())
}
