//! toxiproxy: a TCP proxy that breaks connections on command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::json;

use crate::golang::TOXIPROXY;
use crate::part::Part;
use crate::probe::http;
use crate::{Options, Ports, Probe, Process, Redis, Stack};

const NAME: &str = "toxiproxy";

/// The process.
pub(crate) struct Toxiproxy {
    program: PathBuf,
    options: Options,
}

impl Toxiproxy {
    pub fn fetch(options: &Options) -> anyhow::Result<Self> {
        Ok(Self { program: TOXIPROXY.path()?, options: options.clone() })
    }
}

impl Part for Toxiproxy {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>> {
        let address = self.options.ports().toxiproxy();
        let program = self.program.display().to_string();
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let args = [&program, "-host", &host, "-port", &port, "-config", "proxies.json"];
        let probe = Probe::Http { address, path: "/version".to_owned() };
        let mut process = Process::new(dir, NAME, address, args.map(str::to_owned).to_vec(), probe);
        process.env.insert("LOG_LEVEL".to_owned(), "warn".to_owned());
        Ok(vec![process])
    }

    /// The proxies in front of the servers are there from the start, also when it starts again.
    fn configure(&self, dir: &Path) -> anyhow::Result<()> {
        let proxies: Vec<_> = in_front(&self.options)
            .into_iter()
            .map(|(name, listen, upstream)| json!({"name": name, "listen": listen, "upstream": upstream, "enabled": true}))
            .collect();
        let folder = dir.join(NAME);
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("proxies.json"), serde_json::to_vec_pretty(&proxies)?)?)
    }
}

/// Each server's proxy has its name.
fn in_front(options: &Options) -> Vec<(String, SocketAddr, SocketAddr)> {
    let ports: Ports = options.ports();
    let mut all = Vec::new();
    let mut add = |name: &str, listens, server| all.push((name.to_owned(), listens, server));
    // In the other shapes clients learn of addresses that no proxy stands before.
    if options.redis == Redis::Standalone {
        add("redis-1", ports.redis_proxy(1), ports.redis(1));
        add("redis-1-writers", ports.redis_writers_proxy(1), ports.redis(1));
    }
    for n in 1..=options.brokers {
        add(&format!("kafka-{n}"), ports.kafka_proxy(n), ports.kafka_behind_proxy(n));
        add(&format!("kafka-{n}-writers"), ports.kafka_writers_proxy(n), ports.kafka_behind_writers_proxy(n));
    }
    for n in 1..=options.cassandra {
        add(&format!("cassandra-{n}"), ports.cassandra_proxy(n), ports.cassandra(n));
        add(&format!("cassandra-{n}-writers"), ports.cassandra_writers_proxy(n), ports.cassandra(n));
    }
    if options.s3 {
        add("s3", ports.s3_proxy(), ports.s3());
    }
    if !options.upstreams.is_empty() {
        add("nginx", ports.nginx_proxy(), ports.nginx());
    }
    for n in (1..=3).filter(|n| options.upstreams.contains(&ports.node_proxy(*n))) {
        add(&format!("node-{n}"), ports.node_proxy(n), ports.node(n));
    }
    if options.peer_proxies {
        all.extend(between_peers(options));
    }
    all
}

/// What stands between servers of one kind: `kafka-1-to-2` and `kafka-1-to-2-controller`; with sentinels `redis-1-replicas`; and
/// `cassandra-1-peers` for what the others say to that node. Nodes of Cassandra know each other by address alone, so that there can't be one for each pair.
fn between_peers(options: &Options) -> Vec<(String, SocketAddr, SocketAddr)> {
    let ports = options.ports();
    let mut all = Vec::new();
    for (from, to) in (1..=options.brokers).flat_map(|from| (1..=options.brokers).map(move |to| (from, to))) {
        let ways = [("", ports.kafka_peers(to)), ("-controller", ports.controller(to))];
        let ways = ways.into_iter().filter(|_| from != to);
        all.extend(
            ways.map(|(kind, there)| (format!("kafka-{from}-to-{to}{kind}"), Ports::between(from, to, there), there)),
        );
    }
    // For who is told to follow the primary there: sentinels know the servers' own addresses.
    for n in (1..=3).filter(|_| options.redis == Redis::Sentinel) {
        all.push((format!("redis-{n}-replicas"), ports.redis_proxy(n), ports.redis(n)));
    }
    for n in (1..=options.cassandra).filter(|_| options.cassandra > 1) {
        let there = ports.cassandra_storage(n);
        all.push((format!("cassandra-{n}-peers"), Ports::in_front_of(n, there), there));
    }
    all
}

/// What toxiproxy of a running stack can do. In front of each server there is a proxy of its name, at the `…_proxy` address
/// of [`Ports`]; clients of Kafka and Cassandra that come through one stay behind it. Writers have one of their own,
/// `NAME-writers`. With nginx there is `nginx` in front of it, and `node-N` in front of what it balances, if that is at
/// [`Ports::node_proxy`].
#[derive(Debug, Clone, Copy)]
pub struct Proxies {
    api: SocketAddr,
}

impl Proxies {
    /// # Errors
    /// The stack has no toxiproxy.
    pub fn of(stack: &Stack) -> anyhow::Result<Self> {
        let options = stack.options()?.filter(|options| options.toxiproxy).context("this stack has no toxiproxy")?;
        Ok(Self { api: options.ports().toxiproxy() })
    }

    /// A further proxy; gone when toxiproxy ends.
    ///
    /// # Errors
    /// There is one of that name, or at that address.
    pub fn add(&self, name: &str, listen: SocketAddr, upstream: SocketAddr) -> anyhow::Result<()> {
        self.post("/proxies", &json!({"name": name, "listen": listen, "upstream": upstream, "enabled": true}))
    }

    /// Closes all connections and refuses new ones.
    ///
    /// # Errors
    /// There is no such proxy.
    pub fn refuse(&self, name: &str) -> anyhow::Result<()> {
        self.post(&format!("/proxies/{name}"), &json!({"enabled": false}))
    }

    /// Swallows everything in both directions and closes nothing: a cable that was pulled. New connections are accepted, and
    /// go nowhere.
    ///
    /// # Errors
    /// There is no such proxy, or it does that already.
    pub fn cut(&self, name: &str) -> anyhow::Result<()> {
        self.both_ways(name, "timeout", &json!({"timeout": 0}))
    }

    /// Delays what goes in each direction by that many milliseconds, more or less `jitter`.
    ///
    /// # Errors
    /// There is no such proxy, or it does that already.
    pub fn delay(&self, name: &str, milliseconds: u32, jitter: u32) -> anyhow::Result<()> {
        self.both_ways(name, "latency", &json!({"latency": milliseconds, "jitter": jitter}))
    }

    /// Makes all of them healthy again.
    ///
    /// # Errors
    /// toxiproxy does not answer.
    pub fn heal(&self) -> anyhow::Result<()> {
        http(self.api, "POST", "/reset", "").map(drop)
    }

    fn both_ways(&self, name: &str, kind: &str, attributes: &serde_json::Value) -> anyhow::Result<()> {
        ["upstream", "downstream"].iter().try_for_each(|stream| {
            self.post(
                &format!("/proxies/{name}/toxics"),
                &json!({"type": kind, "stream": stream, "attributes": attributes}),
            )
        })
    }

    fn post(&self, path: &str, body: &serde_json::Value) -> anyhow::Result<()> {
        http(self.api, "POST", path, &body.to_string()).map(drop)
    }
}
