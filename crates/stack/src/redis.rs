//! Redis, in one of three shapes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::part::Part;
use crate::probe::redis_call;
use crate::template::render;
use crate::{Options, PAUSE, Ports, Probe, Process, Redis, Stack, cache};

const OLDEST: u32 = 7;
const SENTINELS: u16 = 3;
/// Written when the servers of a cluster have been joined.
const JOINED: &str = "joined";

/// The servers and sentinels.
pub(crate) struct Servers {
    shape: Redis,
    ports: Ports,
}

impl Servers {
    /// # Errors
    /// Redis is not installed, or too old: sharded pub/sub came with version 7.
    pub fn fetch(options: &Options) -> anyhow::Result<Self> {
        let said = cache::run(Command::new("redis-server").arg("--version"))?;
        let version = said.split_once("v=").and_then(|(_, rest)| rest.split('.').next()?.parse::<u32>().ok());
        ensure!(version.is_some_and(|version| version >= OLDEST), "Redis {OLDEST} or newer is needed; there is {said}");
        Ok(Self { shape: options.redis, ports: options.ports() })
    }

    fn server(&self, dir: &Path, n: u16) -> Process {
        let address = self.ports.redis(n);
        let (mut probe, mut listens) = (Probe::Redis { address }, Vec::new());
        if self.shape == Redis::Cluster {
            probe = Probe::RedisCluster { address, servers: self.shape.servers() };
            listens.push(self.ports.redis_bus(n));
        }
        let command = vec!["redis-server".to_owned(), "redis.conf".to_owned()];
        Process { listens, ..Process::new(dir, &format!("redis-{n}"), address, command, probe) }
    }

    fn sentinel(&self, dir: &Path, n: u16) -> Process {
        let address = self.ports.sentinel(n);
        let command = ["redis-server", "sentinel.conf", "--sentinel"].map(str::to_owned).to_vec();
        Process::new(dir, &format!("sentinel-{n}"), address, command, Probe::Sentinel { address })
    }

    fn server_configuration(&self, folder: &Path, n: u16) -> anyhow::Result<String> {
        let (host, port) = host_and_port(self.ports.redis(n));
        let dir = folder.display().to_string();
        let values = [("host", host.as_str()), ("port", &port), ("dir", &dir)];
        let mut text = render(include_str!("../templates/redis.conf"), &values)?;
        match self.shape {
            Redis::Cluster => {
                let bus = self.ports.redis_bus(n).port().to_string();
                text += &render(include_str!("../templates/redis-cluster.conf"), &[("bus", &bus)])?;
            }
            Redis::Sentinel => {
                text += include_str!("../templates/redis-replicated.conf");
                if n > 1 {
                    text += &["replicaof ", &host, " ", &self.ports.redis(1).port().to_string(), "\n"].concat();
                }
            }
            Redis::None | Redis::Standalone => {}
        }
        Ok(text)
    }

    fn sentinel_configuration(&self, folder: &Path, n: u16) -> anyhow::Result<String> {
        let ((host, port), (_, primary)) = (host_and_port(self.ports.sentinel(n)), host_and_port(self.ports.redis(1)));
        let dir = folder.display().to_string();
        let values = [("host", host.as_str()), ("port", &port), ("dir", &dir), ("primary", &primary)];
        render(include_str!("../templates/sentinel.conf"), &values)
    }
}

fn host_and_port(address: SocketAddr) -> (String, String) {
    (address.ip().to_string(), address.port().to_string())
}

impl Part for Servers {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>> {
        let servers = (1..=self.shape.servers()).map(|n| self.server(dir, n));
        let sentinels = if self.shape == Redis::Sentinel { SENTINELS } else { 0 };
        Ok(servers.chain((1..=sentinels).map(|n| self.sentinel(dir, n))).collect())
    }

    fn configure(&self, dir: &Path) -> anyhow::Result<()> {
        for process in self.processes(dir)? {
            let (kind, n) = process.name.split_once('-').context("a name without a number")?;
            let n = n.parse()?;
            let (file, text) = match kind {
                "sentinel" => ("sentinel.conf", self.sentinel_configuration(&process.cwd, n)?),
                _ => ("redis.conf", self.server_configuration(&process.cwd, n)?),
            };
            let path: PathBuf = process.cwd.join(file);
            // Sentinels write into their own file and into the servers': who is the primary, after a failover, only these
            // files know.
            if self.shape != Redis::Sentinel || !path.exists() {
                std::fs::create_dir_all(&process.cwd)?;
                std::fs::write(path, text)?;
            }
        }
        Ok(())
    }

    fn start(&self, stack: &Stack, processes: Vec<Process>) -> anyhow::Result<()> {
        let (sentinels, servers): (Vec<_>, Vec<_>) =
            processes.into_iter().partition(|process| matches!(process.probe, Probe::Sentinel { .. }));
        if self.shape == Redis::Cluster && !servers[0].cwd.join(JOINED).exists() {
            join(stack, &servers)?;
        }
        stack.launch(servers)?;
        if sentinels.iter().any(|sentinel| stack.process(&sentinel.name).is_err()) {
            replicas_attached(self.ports)?;
        }
        stack.launch(sentinels)
    }
}

/// A sentinel learns of replicas from the primary's INFO, every 10 s: its first look should see them.
fn replicas_attached(ports: Ports) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        let info = redis_call(ports.redis(1), &["INFO", "replication"])?;
        if format!("{info:?}").contains("connected_slaves:2") {
            return Ok(());
        }
        ensure!(begin.elapsed() < Duration::from_secs(20), "the replicas of redis-1 did not attach within 20 s");
        std::thread::sleep(PAUSE);
    }
}

/// A new cluster's servers know nothing of each other.
fn join(stack: &Stack, servers: &[Process]) -> anyhow::Result<()> {
    // So far they only answer; that they are a cluster is to come.
    let alone = |server: &Process| Process { probe: Probe::Redis { address: server.address }, ..server.clone() };
    stack.launch(servers.iter().map(alone).collect())?;
    let mut create = Command::new("redis-cli");
    create.args(["--cluster", "create"]).args(servers.iter().map(|server| server.address.to_string()));
    cache::run(create.args(["--cluster-replicas", "1", "--cluster-yes"]))?;
    std::fs::write(servers[0].cwd.join(JOINED), "")?;
    // From now on they are asked as members of a cluster.
    servers.iter().try_for_each(|server| Process { pid: stack.process(&server.name)?.pid, ..server.clone() }.save())
}
