//! The node's configuration: flags over environment over file over defaults, checked as a whole at start.

mod check;
mod file;
mod limit;

use std::net::SocketAddr;
use std::path::PathBuf;

use chat_cluster::ClusterArgs;
use chat_core::NodeId;
use chat_ports::Quota;

pub use check::check;
pub use file::command_with_file;
pub use limit::Limit;

/// Flags of `chat-node serve`. Each has an environment variable `ELASTIC_CHAT_…`, and a key of the same name in the
/// `--config` file (TOML).
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// A TOML file with any of these settings, without the dashes: `listen = "127.0.0.1:8080"`
    #[arg(long, env = "ELASTIC_CHAT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Where clients connect
    #[arg(long, env = "ELASTIC_CHAT_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Where /livez, /readyz, /metrics, /load, /drain and /shed answer; never expose it
    #[arg(long, env = "ELASTIC_CHAT_ADMIN", default_value = "127.0.0.1:9090")]
    pub admin: SocketAddr,
    /// Holds the tokens, one a line, that /load, /drain and /shed ask for; read again for each call. Without it they answer
    /// only to this machine
    #[arg(long, env = "ELASTIC_CHAT_ADMIN_TOKEN_FILE")]
    pub admin_token_file: Option<PathBuf>,
    /// The folder of the embedded log, store and files
    #[arg(long, env = "ELASTIC_CHAT_DATA_DIR", default_value = "./data")]
    pub data_dir: PathBuf,
    /// This node's name, unique in its cluster
    #[arg(long, env = "ELASTIC_CHAT_NODE_ID", default_value = "node-1")]
    pub node_id: NodeId,
    /// Further origins that browsers may connect from, besides the server's own (scheme://host[:port]; repeatable)
    #[arg(long = "allowed-origin", env = "ELASTIC_CHAT_ALLOWED_ORIGIN", value_delimiter = ',')]
    pub allowed_origins: Vec<String>,
    /// Mark cookies Secure: needed behind TLS, impossible over plain HTTP
    #[arg(long, env = "ELASTIC_CHAT_SECURE_COOKIES", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub secure_cookies: bool,
    /// Take the client's address from the last X-Forwarded-For entry: only behind a proxy of one's own
    #[arg(long, env = "ELASTIC_CHAT_TRUST_FORWARDED_FOR", default_value_t = false, num_args = 0..=1, default_missing_value = "true", action = clap::ArgAction::Set)]
    pub trust_forwarded_for: bool,
    /// Seconds between pings
    #[arg(long, env = "ELASTIC_CHAT_HEARTBEAT_SECONDS", default_value_t = 25)]
    pub heartbeat_seconds: u64,
    /// Seconds that clients get to leave when the node shuts down
    #[arg(long, env = "ELASTIC_CHAT_DRAIN_SECONDS", default_value_t = 10)]
    pub drain_seconds: u64,
    /// How often it is looked whether the logins of those who are connected were ended, in seconds. Usually that is told at
    /// once; this bounds how long somebody stays when the telling is lost
    #[arg(long, env = "ELASTIC_CHAT_SESSION_CHECK_SECONDS", default_value_t = 120)]
    pub session_check_seconds: u64,
    /// text or json
    #[arg(long, env = "ELASTIC_CHAT_LOG_FORMAT", default_value = "text")]
    pub log_format: String,
    /// What to log, as in RUST_LOG
    #[arg(long, env = "ELASTIC_CHAT_LOG", default_value = "info")]
    pub log: String,
    /// 32 bytes, raw or as 64 hexadecimal digits, that sign access tokens and file links: the same for all nodes of a
    /// cluster. Without it a cluster keeps one in its store, and a node alone in its data folder
    #[arg(long, env = "ELASTIC_CHAT_SIGNING_KEY_FILE")]
    pub signing_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub limits: Limits,
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub blobs: BlobArgs,
}

/// Where the bytes of files are kept: in `--data-dir`, or in S3.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct BlobArgs {
    /// Keep files in S3: the address of a server, or `aws`
    #[arg(long, env = "ELASTIC_CHAT_S3", help_heading = "Files")]
    pub s3: Option<String>,
    #[arg(long, env = "ELASTIC_CHAT_S3_BUCKET", default_value = "chat-files", help_heading = "Files")]
    pub s3_bucket: String,
    #[arg(long, env = "ELASTIC_CHAT_S3_REGION", default_value = "us-east-1", help_heading = "Files")]
    pub s3_region: String,
    /// A file with lines `aws_access_key_id = …` and `aws_secret_access_key = …`; read again when it changes. Without it
    /// the credentials come from the environment or the instance's role
    #[arg(long, env = "ELASTIC_CHAT_S3_CREDENTIALS_FILE", help_heading = "Files")]
    pub s3_credentials_file: Option<PathBuf>,
}

/// Limits; `off` switches one off.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    #[arg(long = "limit-sends-per-user", env = "ELASTIC_CHAT_LIMIT_SENDS_PER_USER", default_value = "30/10s")]
    pub sends_per_user: Limit<Quota>,
    #[arg(long = "limit-connections-per-user", env = "ELASTIC_CHAT_LIMIT_CONNECTIONS_PER_USER", default_value = "10")]
    pub connections_per_user: Limit<u64>,
    /// Per node
    #[arg(long = "limit-handshakes", env = "ELASTIC_CHAT_LIMIT_HANDSHAKES", default_value = "500/1s")]
    pub handshakes: Limit<Quota>,
    /// Registrations and logins
    #[arg(long = "limit-auth-per-address", env = "ELASTIC_CHAT_LIMIT_AUTH_PER_ADDRESS", default_value = "30/60s")]
    pub auth_per_address: Limit<Quota>,
    /// Bytes of one WebSocket frame from a client; `off` means 16 MiB
    #[arg(long = "limit-frame-bytes", env = "ELASTIC_CHAT_LIMIT_FRAME_BYTES", default_value = "65536")]
    pub frame_bytes: Limit<u64>,
    #[arg(long = "limit-text-chars", env = "ELASTIC_CHAT_LIMIT_TEXT_CHARS", default_value = "8000")]
    pub text_chars: Limit<u64>,
    #[arg(long = "limit-group-members", env = "ELASTIC_CHAT_LIMIT_GROUP_MEMBERS", default_value = "10000")]
    pub group_members: Limit<u64>,
    #[arg(long = "limit-file-bytes", env = "ELASTIC_CHAT_LIMIT_FILE_BYTES", default_value = "104857600")]
    pub file_bytes: Limit<u64>,
    /// Bytes that may wait for one connection; with them, 1,000 frames
    #[arg(long = "limit-queue-bytes", env = "ELASTIC_CHAT_LIMIT_QUEUE_BYTES", default_value = "262144")]
    pub queue_bytes: Limit<u64>,
}
