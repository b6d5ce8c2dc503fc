//! The chat's own processes on a stack.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::{CASSANDRA_USER, Options, Ports, Probe, Process, Redis, Secrets, Stack, USER, cache, s3};

pub(crate) const SIGNING_KEY: &str = "signing.key";
pub(crate) const S3_CREDENTIALS: &str = "s3-credentials";

/// Nodes and writers.
#[derive(Debug, Clone)]
pub struct Chat {
    /// Where `chat-node` and `writer` are.
    pub binaries: PathBuf,
    /// `node-1` and so on.
    pub nodes: u16,
    /// `writer-1` and so on.
    pub writers: u16,
    pub keyspace: String,
    /// Further flags of `chat-node serve`, for every node.
    pub node_flags: Vec<String>,
    /// Further flags of `writer run`, for every writer.
    pub writer_flags: Vec<String>,
    /// Reach the servers through toxiproxy, so that a test can cut the way.
    pub through_proxies: bool,
}

impl Chat {
    /// Three nodes and two writers.
    pub fn new(binaries: impl Into<PathBuf>) -> Self {
        Self {
            binaries: binaries.into(),
            nodes: 3,
            writers: 2,
            keyspace: "chat".to_owned(),
            node_flags: Vec::new(),
            writer_flags: Vec::new(),
            through_proxies: false,
        }
    }

    fn migrate(&self, dir: &Path, options: &Options) -> anyhow::Result<()> {
        let servers = self.servers(dir, options, Who::Node);
        let replication = if options.cassandra == 3 { "3" } else { "1" };
        let mut migrate = Command::new(self.binaries.join("chat-node"));
        migrate.args(["migrate", "--kafka", &servers.kafka, "--cassandra", &servers.cassandra]);
        migrate.args(["--keyspace", &self.keyspace, "--replication", replication]);
        migrate.args(servers.credentials);
        cache::run(&mut migrate).map(drop).context("topics and tables could not be made")
    }

    fn processes(&self, dir: &Path, options: &Options) -> Vec<Process> {
        let nodes = (1..=self.nodes).map(|n| self.node(dir, options, n));
        nodes.chain((1..=self.writers).map(|n| self.writer(dir, options, n))).collect()
    }

    fn node(&self, dir: &Path, options: &Options, n: u16) -> Process {
        let (servers, ports) = (self.servers(dir, options, Who::Node), options.ports());
        let (name, address, admin) = (format!("node-{n}"), ports.node(n), ports.node_admin(n));
        let program = self.binaries.join("chat-node").display().to_string();
        let file = |name: &str| dir.join(name).display().to_string();
        let flags = [
            ("--listen", address.to_string()),
            ("--admin", admin.to_string()),
            ("--node-id", name.clone()),
            ("--redis", servers.redis),
            ("--kafka", servers.kafka),
            ("--cassandra", servers.cassandra),
            ("--keyspace", self.keyspace.clone()),
            ("--s3", servers.s3),
            ("--s3-bucket", s3::BUCKET.to_owned()),
            ("--s3-credentials-file", file(S3_CREDENTIALS)),
            ("--signing-key-file", file(SIGNING_KEY)),
        ];
        let mut command = vec![program, "serve".to_owned()];
        command.extend(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        command.extend(servers.credentials);
        command.push("--trust-forwarded-for".to_owned());
        command.extend(self.node_flags.iter().cloned());
        service(Process::new(dir, &name, address, command, ready(admin)), admin)
    }

    fn writer(&self, dir: &Path, options: &Options, n: u16) -> Process {
        let servers = self.servers(dir, options, Who::Writer);
        let (name, admin) = (format!("writer-{n}"), options.ports().writer_admin(n));
        let flags = [
            ("--kafka", servers.kafka),
            ("--cassandra", servers.cassandra),
            ("--keyspace", self.keyspace.clone()),
            ("--redis", servers.redis),
            ("--writer-id", name.clone()),
            ("--admin", admin.to_string()),
        ];
        let mut command = vec![self.binaries.join("writer").display().to_string(), "run".to_owned()];
        command.extend(flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        command.extend(servers.credentials);
        command.extend(self.writer_flags.iter().cloned());
        service(Process::new(dir, &name, admin, command, ready(admin)), admin)
    }

    fn servers(&self, dir: &Path, options: &Options, who: Who) -> Servers {
        let ports = options.ports();
        let list = |count: u16, address: fn(Ports, u16) -> SocketAddr| {
            (1..=count).map(|n| address(ports, n).to_string()).collect::<Vec<_>>().join(",")
        };
        let (brokers, nodes) = (options.brokers, options.cassandra);
        if self.through_proxies {
            type Way = fn(Ports, u16) -> SocketAddr;
            let [redis, kafka, cassandra]: [Way; 3] = match who {
                Who::Node => [Ports::redis_proxy, Ports::kafka_proxy, Ports::cassandra_proxy],
                Who::Writer => [Ports::redis_writers_proxy, Ports::kafka_writers_proxy, Ports::cassandra_writers_proxy],
            };
            return Servers {
                redis: format!("redis://{}", redis(ports, 1)),
                kafka: list(brokers, kafka),
                cassandra: list(nodes, cassandra),
                s3: format!("http://{}", ports.s3_proxy()),
                credentials: Vec::new(),
            };
        }
        if options.secured {
            return Servers {
                redis: format!("rediss://{}", ports.redis_tls(1)),
                kafka: list(brokers, Ports::kafka_secured),
                cassandra: list(nodes, Ports::cassandra),
                s3: format!("http://{}", ports.s3()),
                credentials: credentials(&Secrets::of(dir)),
            };
        }
        Servers {
            redis: match options.redis {
                Redis::Sentinel => format!("redis+sentinel://{}/main", list(3, Ports::sentinel)),
                Redis::Cluster => format!("redis+cluster://{}", list(options.redis.servers(), Ports::redis)),
                Redis::None | Redis::Standalone => format!("redis://{}", ports.redis(1)),
            },
            kafka: list(brokers, Ports::kafka),
            cassandra: list(nodes, Ports::cassandra),
            s3: format!("http://{}", ports.s3()),
            credentials: Vec::new(),
        }
    }
}

/// The flags with which all three let a client in.
fn credentials(secrets: &Secrets) -> Vec<String> {
    let path = |path: PathBuf| path.display().to_string();
    let flags = [
        ("--redis-ca-file", path(secrets.ca())),
        ("--redis-username", USER.to_owned()),
        ("--redis-password-file", path(secrets.password())),
        ("--kafka-ca-file", path(secrets.ca())),
        ("--kafka-username", USER.to_owned()),
        ("--kafka-password-file", path(secrets.password())),
        ("--cassandra-ca-file", path(secrets.ca())),
        ("--cassandra-username", CASSANDRA_USER.to_owned()),
        ("--cassandra-password-file", path(secrets.cassandra_password())),
    ];
    flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
}

/// Each kind comes through proxies of its own.
#[derive(Clone, Copy)]
enum Who {
    Node,
    Writer,
}

struct Servers {
    redis: String,
    kafka: String,
    cassandra: String,
    s3: String,
    /// Further flags.
    credentials: Vec<String>,
}

fn ready(address: SocketAddr) -> Probe {
    Probe::Http { address, path: "/readyz".to_owned() }
}

/// Nodes and writers may wait for servers that are just starting, and drain when they end.
fn service(process: Process, admin: SocketAddr) -> Process {
    let listens = if process.address == admin { Vec::new() } else { vec![admin] };
    Process { listens, patience: 60, grace: 30, ..process }
}

impl Stack {
    /// Makes topics and tables, and starts nodes and writers on the servers of this stack. Waits until all are ready. Which
    /// of them run already stays as it is.
    ///
    /// # Errors
    /// The servers are not there, or a part did not become ready: the error has the end of its log.
    pub fn start_chat(&self, chat: &Chat) -> anyhow::Result<()> {
        let options = self.options()?.context("no servers were started in this folder")?;
        let processes = chat.processes(self.dir(), &options);
        for process in &processes {
            if !self.process(&process.name).is_ok_and(|known| known.alive()) {
                process.ensure_ports_free()?;
            }
        }
        self.make_keys()?;
        chat.migrate(self.dir(), &options)?;
        self.launch(processes)
    }

    /// Files that only the owner reads: the key that all nodes sign with, and the keys of S3.
    fn make_keys(&self) -> anyhow::Result<()> {
        let mut key = [0; 32];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut key)?;
        self.secret(SIGNING_KEY, &key)?;
        let keys =
            format!("[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n", s3::ACCESS_KEY, s3::SECRET_KEY);
        self.secret(S3_CREDENTIALS, keys.as_bytes())
    }

    /// One that is there stays: people would be logged out.
    fn secret(&self, name: &str, content: &[u8]) -> anyhow::Result<()> {
        let path = self.dir().join(name);
        if path.exists() {
            return Ok(());
        }
        let partial = path.with_extension("partial");
        let _ = std::fs::remove_file(&partial);
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
        file.and_then(|mut file| file.write_all(content)).with_context(|| partial.display().to_string())?;
        Ok(std::fs::rename(partial, path)?)
    }
}
