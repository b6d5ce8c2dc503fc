use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::Ports;

/// How Redis is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Redis {
    /// None at all.
    #[default]
    None,
    /// One server.
    Standalone,
    /// A primary, two replicas, three sentinels.
    Sentinel,
    /// Three primaries with a replica each.
    Cluster,
}

impl Redis {
    /// How many servers, sentinels not counted.
    pub(crate) fn servers(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Standalone => 1,
            Self::Sentinel => 3,
            Self::Cluster => 6,
        }
    }
}

/// What is to run. The default is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Options {
    pub redis: Redis,
    /// Kafka brokers: 0, 1 or 3. With three, replication is 3 and two must be in sync.
    pub brokers: u16,
    /// Cassandra nodes: 0, 1 or 3.
    pub cassandra: u16,
    pub s3: bool,
    pub toxiproxy: bool,
    /// With toxiproxy: brokers reach each other through proxies, one for each direction of each pair, and Cassandra nodes
    /// each other through one in front of each. On loopback only.
    pub peer_proxies: bool,
    /// What nginx balances; no nginx when empty.
    pub upstreams: Vec<SocketAddr>,
    /// Kafka and Cassandra compile as in production (C2, G1): more memory and a slower start. For benchmarks.
    pub full_jit: bool,
    /// TLS and passwords: Kafka and Redis take them on ports of their own besides, Cassandra takes TLS and wants a password.
    /// Which ones: [`crate::Stack::secrets`].
    pub secured: bool,
    /// Added to every port.
    pub port_offset: u16,
    /// Listen on this address of the machine instead of 127.0.0.1; three nodes of Cassandra take this and the next two.
    /// Nothing asks for a password: only where nobody else comes to, as in a network namespace.
    pub host: Option<Ipv4Addr>,
}

impl Options {
    /// One of each server, without nginx and toxiproxy.
    pub fn one_of_each() -> Self {
        Self { redis: Redis::Standalone, brokers: 1, cassandra: 1, s3: true, ..Self::default() }
    }

    /// Where what listens.
    pub fn ports(&self) -> Ports {
        Ports::new(self.host.unwrap_or(Ipv4Addr::LOCALHOST), self.port_offset)
    }

    /// The same with a port offset at which every port of it was free just now, from `first` on in an order of chance: for
    /// tests, of which several may run at once.
    ///
    /// # Errors
    /// There is none.
    pub fn at_free_ports(&self, first: u16) -> anyhow::Result<Self> {
        const STEP: u16 = 20;
        let steps = Ports::HIGHEST_OFFSET.saturating_sub(first) / STEP;
        let turn = u16::try_from(u64::from(std::process::id()) % (u64::from(steps) + 1))?;
        let offsets = (0..=steps).map(|step| first + (step + turn) % (steps + 1) * STEP);
        let mut moved = offsets.map(|port_offset| Self { port_offset, ..self.clone() });
        moved.find(Self::ports_are_free).context("no free ports")
    }

    fn ports_are_free(&self) -> bool {
        let ports = self.ports();
        let mut all = Vec::new();
        let redis = [Ports::redis, Ports::redis_bus, Ports::redis_tls, Ports::redis_proxy, Ports::redis_writers_proxy];
        all.extend((1..=self.redis.servers()).flat_map(|n| redis.map(|port| port(ports, n))));
        all.extend((1..=3).map(|n| ports.sentinel(n)));
        let kafka = [
            Ports::kafka,
            Ports::controller,
            Ports::kafka_behind_proxy,
            Ports::kafka_proxy,
            Ports::kafka_tls,
            Ports::kafka_secured,
            Ports::kafka_behind_writers_proxy,
            Ports::kafka_writers_proxy,
            Ports::kafka_peers,
        ];
        all.extend((1..=self.brokers).flat_map(|n| kafka.map(|port| port(ports, n))));
        let cassandra = [
            Ports::cassandra,
            Ports::cassandra_storage,
            Ports::cassandra_jmx,
            Ports::cassandra_proxy,
            Ports::cassandra_writers_proxy,
        ];
        all.extend((1..=self.cassandra).flat_map(|n| cassandra.map(|port| port(ports, n))));
        all.extend([ports.s3(), ports.s3_proxy(), ports.toxiproxy(), ports.nginx(), ports.nginx_proxy()]);
        let chat = [Ports::node, Ports::node_proxy, Ports::node_admin, Ports::writer_admin];
        all.extend((1..=3).flat_map(|n| chat.map(|port| port(ports, n))));
        all.iter().all(|address| TcpListener::bind(address).is_ok())
    }

    pub(crate) fn check(&self) -> anyhow::Result<()> {
        for (what, count) in [("brokers", self.brokers), ("Cassandra nodes", self.cassandra)] {
            anyhow::ensure!(matches!(count, 0 | 1 | 3), "{count} {what}: there may be 1 or 3");
        }
        anyhow::ensure!(
            !self.peer_proxies || self.toxiproxy && self.host.is_none() && !self.secured,
            "proxies between servers need toxiproxy, on loopback, without TLS"
        );
        anyhow::ensure!(self.port_offset <= Ports::HIGHEST_OFFSET, "port offset: {} at most", Ports::HIGHEST_OFFSET);
        Ok(())
    }

    /// These, on the data of `before`: what is there stays, what is new comes to it.
    ///
    /// # Errors
    /// They need data of another shape.
    pub(crate) fn on(&self, before: &Self) -> anyhow::Result<Self> {
        let mut refused = Vec::new();
        let mut shape = |what: &str, was: String, is: String, there: bool, wanted: bool| {
            if there && wanted && was != is {
                refused.push(format!("{what}: {was} there, {is} wanted"));
            }
        };
        let (was, is) = (before, self);
        let redis = |options: &Self| format!("{:?}", options.redis).to_lowercase();
        shape("Redis", redis(was), redis(is), was.redis != Redis::None, is.redis != Redis::None);
        shape("Kafka brokers", was.brokers.to_string(), is.brokers.to_string(), was.brokers > 0, is.brokers > 0);
        let nodes = (was.cassandra, is.cassandra);
        shape("Cassandra nodes", nodes.0.to_string(), nodes.1.to_string(), nodes.0 > 0, nodes.1 > 0);
        shape("TLS and passwords", was.secured.to_string(), is.secured.to_string(), true, true);
        let proxied = (was.peer_proxies.to_string(), is.peer_proxies.to_string());
        shape("proxies between servers", proxied.0, proxied.1, true, true);
        shape("port offset", was.port_offset.to_string(), is.port_offset.to_string(), true, true);
        if !refused.is_empty() {
            anyhow::bail!(
                "there is data of another shape ({}): wipe it first, or ask for what is there",
                refused.join("; ")
            );
        }
        Ok(Self {
            redis: if is.redis == Redis::None { was.redis } else { is.redis },
            brokers: is.brokers.max(was.brokers),
            cassandra: is.cassandra.max(was.cassandra),
            s3: is.s3 || was.s3,
            toxiproxy: is.toxiproxy || was.toxiproxy,
            peer_proxies: is.peer_proxies,
            upstreams: if is.upstreams.is_empty() { was.upstreams.clone() } else { is.upstreams.clone() },
            full_jit: is.full_jit,
            secured: is.secured,
            port_offset: is.port_offset,
            host: is.host,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays_and_another_shape_is_refused() {
        let three = Options { brokers: 3, redis: Redis::Sentinel, ..Options::default() };
        let with_s3 = Options { s3: true, ..Options::default() };
        let both = with_s3.on(&three).expect("works");
        assert_eq!(both, Options { s3: true, ..three.clone() });
        let error = Options::one_of_each().on(&three).expect_err("a refusal").to_string();
        assert!(error.contains("Kafka brokers: 3 there, 1 wanted"), "{error}");
        assert!(error.contains("Redis: sentinel there, standalone wanted"), "{error}");
        assert!(!error.contains("Cassandra"), "{error}");
    }

    #[test]
    fn taken_ports_are_passed_by() {
        let redis = Options { redis: Redis::Standalone, ..Options::default() };
        let first = redis.at_free_ports(12_000).expect("free ports");
        let _taken = TcpListener::bind(first.ports().redis(1)).expect("a port");
        let second = redis.at_free_ports(12_000).expect("free ports");
        assert_ne!(first.port_offset, second.port_offset);
        assert!((12_000..=Ports::HIGHEST_OFFSET).contains(&second.port_offset));
    }
}
