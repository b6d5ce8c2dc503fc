use std::path::PathBuf;

use serde::Serialize;

/// What is measured and how. Written with the results, but for the paths.
#[derive(Debug, Clone, clap::Parser, Serialize)]
#[command(name = "cluster-bench", version, about = "Measure several nodes and writers on real servers", long_about = None)]
pub struct Args {
    /// Where `chat-node` and `writer` are
    #[arg(long)]
    #[serde(skip)]
    pub binaries: PathBuf,
    /// Where the servers keep their data; it must not exist, and is removed at the end
    #[arg(long)]
    #[serde(skip)]
    pub work_dir: Option<PathBuf>,
    /// Added to every port
    #[arg(long, default_value_t = 13_000)]
    pub port_offset: u16,
    /// Kafka and Cassandra with the compilers of production
    #[arg(long)]
    pub full_jit: bool,
    /// Only these (sends, nodes, ingest, worst, drain)
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    #[arg(long, default_value_t = 5)]
    pub runs: usize,
    /// Seconds of each run that are measured
    #[arg(long, default_value_t = 10.0)]
    pub duration: f64,
    /// Seconds before that which are not
    #[arg(long, default_value_t = 5.0)]
    pub warmup: f64,
    /// Messages a second through the nodes, for the time from send to ack
    #[arg(long, default_value_t = 1_000.0)]
    pub send_rate: f64,
    /// The same, for the time from node to node
    #[arg(long, default_value_t = 200.0)]
    pub node_rate: f64,
    /// Records a second into the log, past the nodes
    #[arg(long, default_value_t = 5_500)]
    pub ingest_rate: usize,
    /// The same when each record is of another conversation
    #[arg(long, default_value_t = 2_000)]
    pub worst_rate: usize,
    #[arg(long, default_value_t = 400)]
    pub conversations: usize,
    /// Bytes of each message's text
    #[arg(long, default_value_t = 200)]
    pub body: usize,
    /// Records that wait for a writer when it starts
    #[arg(long, default_value_t = 200_000)]
    pub backlog: usize,
    /// Further flags of each writer, separated by commas
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true)]
    pub writer_flags: Vec<String>,
    /// Write everything here as JSON
    #[arg(long)]
    #[serde(skip)]
    pub bench_json: Option<PathBuf>,
}

impl Args {
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}
