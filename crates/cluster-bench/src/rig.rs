use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chat_cluster::{Adapters, ClusterArgs};
use elastic_chat_load::bench::Figure;
use elastic_chat_load::client::Http;
use hyper::Method;
use serde::Deserialize;
use stack::{Chat, Options, Stack};
use tokio::task::block_in_place;

use crate::args::Args;
use crate::results::Results;

pub const NODES: u16 = 3;
pub const WRITERS: u16 = 2;
/// For everything that is waited for but the measurement itself.
const PATIENCE: Duration = Duration::from_mins(3);

/// A whole chat on servers of its own. Dropping it ends it, and removes its data.
pub struct Rig {
    stack: Stack,
    options: Options,
    pub adapters: Adapters,
}

/// What a writer says of itself, since its start.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub struct WriterLoad {
    pub records_total: u64,
    pub cpu_seconds: f64,
}

impl Rig {
    pub fn start(args: &Args) -> anyhow::Result<Self> {
        let folder = || std::env::temp_dir().join(format!("elastic-chat-cluster-bench-{}", std::process::id()));
        let folder: PathBuf = args.work_dir.clone().unwrap_or_else(folder);
        ensure!(!folder.exists(), "{} exists: it would be removed at the end", folder.display());
        let stack = Stack::open(&folder)?;
        let mut options = Options { port_offset: args.port_offset, full_jit: args.full_jit, ..Options::one_of_each() };
        let ports = options.ports();
        options.upstreams = (1..=NODES).map(|n| ports.node(n)).collect();
        let limits = ["sends-per-user", "connections-per-user", "handshakes", "auth-per-address"];
        let chat = Chat {
            nodes: NODES,
            writers: WRITERS,
            node_flags: limits.map(|limit| format!("--limit-{limit}=off")).to_vec(),
            writer_flags: args.writer_flags.clone(),
            ..Chat::new(args.binaries.canonicalize().context("there are no binaries")?)
        };
        let adapters = Adapters::open(
            &ClusterArgs {
                redis: Some(format!("redis://{}", ports.redis(1))),
                kafka: vec![ports.kafka(1).to_string()],
                cassandra: vec![ports.cassandra(1).to_string()],
                keyspace: chat.keyspace.clone(),
                log_generation: 1,
                ..ClusterArgs::default()
            },
            "bench",
        )?;
        let rig = Self { stack, options, adapters };
        block_in_place(|| rig.stack.up(&rig.options).and_then(|()| rig.stack.start_chat(&chat)))?;
        Ok(rig)
    }

    /// The nodes, as the load generator wants them.
    pub fn urls(&self) -> String {
        let ports = self.options.ports();
        (1..=NODES).map(|n| format!("http://{}", ports.node(n))).collect::<Vec<_>>().join(",")
    }

    /// Every process that runs: its name and id.
    pub fn processes(&self) -> anyhow::Result<Vec<(String, u32)>> {
        let all = self.stack.status()?;
        Ok(all.into_iter().filter_map(|process| Some((process.name, process.pid?))).collect())
    }

    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    pub fn memory(&self, results: &mut Results) -> anyhow::Result<()> {
        let (mut servers, mut chat) = (0, 0);
        for process in self.stack.status()? {
            let ours = process.name.starts_with("node-") || process.name.starts_with("writer-");
            *(if ours { &mut chat } else { &mut servers }) += process.rss;
            println!("{:<12} {:>5} MiB", process.name, process.rss >> 20);
        }
        for (name, goal, bytes) in [
            ("Memory of one of each server, with nginx", "≤ 1,024", servers),
            ("Memory of three nodes and two writers, idle", "", chat),
        ] {
            let mut figure = Figure::new(name, "MiB", goal);
            figure.add((bytes >> 20) as f64, 0);
            results.figures.push(figure);
        }
        Ok(())
    }

    pub fn stop(&self, writer: u16) -> anyhow::Result<()> {
        block_in_place(|| self.stack.stop(&format!("writer-{writer}")))
    }

    pub fn start_again(&self, writer: u16) -> anyhow::Result<()> {
        block_in_place(|| self.stack.start(&[format!("writer-{writer}")]))
    }

    pub async fn writer(&self, writer: u16) -> anyhow::Result<WriterLoad> {
        let address = self.options.ports().writer_admin(writer).to_string();
        let load = Http::new(&address).call(Method::GET, "/load", None, None).await;
        Ok(serde_json::from_value(load.with_context(|| format!("writer-{writer} does not tell its load"))?)?)
    }

    /// All writers together.
    pub async fn writers(&self) -> anyhow::Result<WriterLoad> {
        let mut sum = WriterLoad::default();
        for n in 1..=WRITERS {
            let load = self.writer(n).await?;
            sum.records_total += load.records_total;
            sum.cpu_seconds += load.cpu_seconds;
        }
        Ok(sum)
    }

    /// Waits until the writers, together, have brought so many records to the store since their start.
    pub async fn stored(&self, records: u64) -> anyhow::Result<()> {
        let begin = Instant::now();
        while self.writers().await?.records_total < records {
            ensure!(begin.elapsed() < PATIENCE, "the writers do not come to the end of the log");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Err(error) = block_in_place(|| self.stack.down().and_then(|()| self.stack.wipe())) {
            eprintln!("{} is left: {error:#}", self.stack.dir().display());
        }
    }
}
