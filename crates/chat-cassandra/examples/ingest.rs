//! How fast messages go into Cassandra, and what that costs in our own CPU.
//!
//! `ingest [host:port] [seconds] [conversations] [rows a call] [bytes of a body] [calls at once]`

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_cassandra::{CassandraConfig, CassandraStore, migrate};
use chat_core::{ClientMsgId, ConversationId, MessageBody, MessageId, MessageKind, Seq, Timestamp, UserId};
use chat_ports::store::{MessageStore as _, Mutation};
use uuid::Uuid;

/// User and system time of this process in seconds. Linux only.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
    let ticks = |at: usize| fields.get(at).and_then(|text: &&str| text.parse::<f64>().ok()).unwrap_or(0.0);
    // utime and stime are the 12th and 13th after the name, in hundredths.
    (ticks(11) + ticks(12)) / 100.0
}

struct Load {
    conversations: Vec<ConversationId>,
    authors: Vec<UserId>,
    body: String,
}

impl Load {
    /// A poll of the log: `count` messages from `from` on, of conversations in turn.
    fn poll(&self, from: u64, count: u64) -> Vec<Mutation> {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let at = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap_or(0));
        let pick = |n: u64, len: usize| usize::try_from(n).unwrap_or(0) % len;
        let message = |seq: u64| Mutation::InsertMessage {
            conversation: self.conversations[pick(seq.wrapping_mul(2_654_435_761) >> 7, self.conversations.len())],
            seq: Seq::new((1 << 44) + seq),
            id: MessageId::new(Uuid::new_v4()),
            author: self.authors[pick(seq, self.authors.len())],
            client_msg_id: Some(ClientMsgId::new(Uuid::now_v7())),
            kind: MessageKind::Message,
            body: MessageBody::text(self.body.clone()),
            at,
        };
        (from..from + count).map(message).collect()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| arguments.get(at).and_then(|text| text.parse().ok()).unwrap_or(default);
    let address = arguments.first().cloned().unwrap_or_else(|| "127.0.0.1:9042".into());
    let (seconds, conversations, rows) = (number(1, 10), number(2, 200), number(3, 2_000));
    let (bytes, at_once) = (number(4, 200), number(5, 2));
    let config =
        CassandraConfig { contact_points: vec![address], keyspace: "chat_ingest".into(), ..CassandraConfig::default() };
    migrate(&config, 1).await?;
    let store = Arc::new(CassandraStore::open(config)?);
    while store.check().await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let load = Arc::new(Load {
        conversations: (0..conversations).map(|_| ConversationId::new(Uuid::new_v4())).collect(),
        authors: (0..50).map(|_| UserId::new(Uuid::new_v4())).collect(),
        body: "x".repeat(usize::try_from(bytes)?),
    });

    let (begun, cpu) = (Instant::now(), cpu_seconds());
    let until = begun + Duration::from_secs(seconds);
    // Each worker is a partition of the log: its conversations are its own.
    let workers = (0..at_once).map(|worker| {
        let (store, load) = (Arc::clone(&store), Arc::clone(&load));
        let of_worker = |all: &[ConversationId]| {
            let mine = all.iter().enumerate().filter(|(n, _)| *n as u64 % at_once == worker).map(|(_, id)| *id);
            mine.collect::<Vec<_>>()
        };
        let load = Load {
            conversations: of_worker(&load.conversations),
            authors: load.authors.clone(),
            body: load.body.clone(),
        };
        tokio::spawn(async move {
            let (mut written, mut slowest) = (0, Duration::ZERO);
            while Instant::now() < until {
                let mutations = load.poll(written, rows);
                let call = Instant::now();
                while let Err(error) = store.apply(mutations.clone()).await {
                    println!("again: {error}");
                }
                slowest = slowest.max(call.elapsed());
                written += rows;
            }
            (written, slowest)
        })
    });
    let (mut written, mut slowest) = (0, Duration::ZERO);
    for worker in workers.collect::<Vec<_>>() {
        let (rows, longest) = worker.await?;
        written += rows;
        slowest = slowest.max(longest);
    }
    let (elapsed, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    #[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
    let rows_written = written as f64;
    println!(
        "{written} messages of {bytes} bytes in {conversations} conversations, {rows} a call, {at_once} calls at once: \
         {:.0} rows/s, {:.1} µs of own CPU a row, slowest call {:.0} ms",
        rows_written / elapsed,
        cpu / rows_written * 1e6,
        slowest.as_secs_f64() * 1e3,
    );
    store.close().await;
    Ok(())
}
