//! Where what listens.

use std::net::{Ipv4Addr, SocketAddr};

/// The port of each server. Numbers `n` count from 1. All lie below the range that Linux takes for outgoing connections
/// (32768 and up), so that none of those is in the way.
#[derive(Debug, Clone, Copy)]
pub struct Ports {
    host: Ipv4Addr,
    offset: u16,
}

impl Ports {
    pub const HIGHEST_OFFSET: u16 = 22_000;

    pub(crate) fn new(host: Ipv4Addr, offset: u16) -> Self {
        Self { host, offset }
    }

    fn local(self, port: u16) -> SocketAddr {
        SocketAddr::from((self.host, port + self.offset))
    }

    /// An address for each, with the same port.
    fn nth(self, n: u16, port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::from(self.host.to_bits() + u32::from(n) - 1), port + self.offset))
    }

    pub fn redis(self, n: u16) -> SocketAddr {
        self.local(6378 + n)
    }

    /// Redis servers of a cluster talk here.
    pub(crate) fn redis_bus(self, n: u16) -> SocketAddr {
        self.local(7378 + n)
    }

    /// The same servers over TLS, when they are secured.
    pub fn redis_tls(self, n: u16) -> SocketAddr {
        self.local(6678 + n)
    }

    pub fn sentinel(self, n: u16) -> SocketAddr {
        self.local(6478 + n)
    }

    pub fn kafka(self, n: u16) -> SocketAddr {
        self.local(9291 + n)
    }

    /// The same brokers over TLS, when they are secured.
    pub fn kafka_tls(self, n: u16) -> SocketAddr {
        self.local(7591 + n)
    }

    /// Over TLS and with a password, when they are secured.
    pub fn kafka_secured(self, n: u16) -> SocketAddr {
        self.local(7691 + n)
    }

    pub(crate) fn controller(self, n: u16) -> SocketAddr {
        self.local(9391 + n)
    }

    /// The broker's listener behind the proxy: it names the proxy's address to clients.
    pub(crate) fn kafka_behind_proxy(self, n: u16) -> SocketAddr {
        self.local(9491 + n)
    }

    /// The same for writers, which come through a proxy of their own.
    pub(crate) fn kafka_behind_writers_proxy(self, n: u16) -> SocketAddr {
        self.local(9891 + n)
    }

    /// Brokers talk with each other here, when they do so through proxies.
    pub(crate) fn kafka_peers(self, n: u16) -> SocketAddr {
        self.local(9691 + n)
    }

    /// Every node of Cassandra has an address of its own, with the same port.
    pub fn cassandra(self, n: u16) -> SocketAddr {
        self.nth(n, 9042)
    }

    pub(crate) fn cassandra_storage(self, n: u16) -> SocketAddr {
        self.nth(n, 7000)
    }

    pub fn cassandra_jmx(self, n: u16) -> SocketAddr {
        self.local(7100 + n)
    }

    pub fn s3(self) -> SocketAddr {
        self.local(7070)
    }

    pub fn toxiproxy(self) -> SocketAddr {
        self.local(8474)
    }

    pub fn nginx(self) -> SocketAddr {
        self.local(8080)
    }

    /// A chat node's clients.
    pub fn node(self, n: u16) -> SocketAddr {
        self.local(8080 + n)
    }

    pub fn node_admin(self, n: u16) -> SocketAddr {
        self.local(9090 + n)
    }

    pub fn writer_admin(self, n: u16) -> SocketAddr {
        self.local(9190 + n)
    }

    /// Where toxiproxy stands in front of what: here of a chat node, for nginx.
    pub fn node_proxy(self, n: u16) -> SocketAddr {
        self.local(8580 + n)
    }

    /// Of nginx, for people.
    pub fn nginx_proxy(self) -> SocketAddr {
        self.local(8580)
    }

    /// Of the servers, for nodes; and for writers, where they have one of their own.
    pub fn redis_proxy(self, n: u16) -> SocketAddr {
        self.local(6578 + n)
    }

    pub fn kafka_proxy(self, n: u16) -> SocketAddr {
        self.local(9591 + n)
    }

    pub fn cassandra_proxy(self, n: u16) -> SocketAddr {
        self.nth(n, 9142)
    }

    pub fn redis_writers_proxy(self, n: u16) -> SocketAddr {
        self.local(6778 + n)
    }

    pub fn kafka_writers_proxy(self, n: u16) -> SocketAddr {
        self.local(9991 + n)
    }

    pub fn cassandra_writers_proxy(self, n: u16) -> SocketAddr {
        self.nth(n, 9242)
    }

    pub fn s3_proxy(self) -> SocketAddr {
        self.local(7071)
    }

    /// Where server `from` finds `there`, an address of server `to`, when a proxy stands between: an address for each pair,
    /// with the port of `there`.
    pub(crate) fn between(from: u16, to: u16, there: SocketAddr) -> SocketAddr {
        let octet = |n: u16| u8::try_from(n).unwrap_or(u8::MAX);
        SocketAddr::from((Ipv4Addr::new(127, 0, 10 + octet(from), octet(to)), there.port()))
    }

    /// The same for everybody who wants to go `there`.
    pub(crate) fn in_front_of(to: u16, there: SocketAddr) -> SocketAddr {
        Self::between(0, to, there)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ports_are_the_same() {
        let ports = Ports::new(Ipv4Addr::LOCALHOST, Ports::HIGHEST_OFFSET);
        let mut all = vec![ports.s3(), ports.toxiproxy(), ports.nginx(), ports.s3_proxy(), ports.nginx_proxy()];
        for n in 1..=6 {
            all.extend([ports.redis(n), ports.redis_bus(n), ports.redis_proxy(n), ports.redis_tls(n)]);
            all.push(ports.redis_writers_proxy(n));
        }
        for n in 1..=3 {
            all.extend([ports.sentinel(n), ports.kafka(n), ports.controller(n), ports.kafka_behind_proxy(n)]);
            all.extend([ports.kafka_tls(n), ports.kafka_secured(n), ports.kafka_peers(n)]);
            all.extend([ports.kafka_behind_writers_proxy(n), ports.kafka_writers_proxy(n)]);
            all.extend([ports.cassandra_writers_proxy(n), ports.node_proxy(n)]);
            all.extend([ports.kafka_proxy(n), ports.cassandra(n), ports.cassandra_storage(n), ports.cassandra_jmx(n)]);
            all.extend([ports.cassandra_proxy(n), ports.node(n), ports.node_admin(n), ports.writer_admin(n)]);
        }
        let count = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), count);
        assert!(all.iter().all(|address| address.port() < 32_768));
        assert_eq!(ports.cassandra(3).ip().to_string(), "127.0.0.3");
    }
}
