//! Whether a server does its work: a real request, since an open port says little.

mod cassandra;
mod kafka;
mod redis;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

pub(crate) use redis::call as redis_call;

use crate::cache;

/// For connecting, and for each read and write.
const TIMEOUT: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: u64 = 4 << 20;

/// How to ask a server whether it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Probe {
    /// It accepts connections.
    Tcp { address: SocketAddr },
    /// GET answers 200.
    Http { address: SocketAddr, path: String },
    /// PING.
    Redis { address: SocketAddr },
    /// The state is ok, and CLUSTER SLOTS lists this many servers.
    RedisCluster { address: SocketAddr, servers: u16 },
    /// It knows its primary, both replicas, and enough other sentinels to decide.
    Sentinel { address: SocketAddr },
    /// The broker lists this many brokers.
    Kafka { address: SocketAddr, brokers: u16 },
    /// The node answers a query that needs this many replicas.
    Cassandra { address: SocketAddr, replicas: u16 },
    /// This program and its arguments end well, within some seconds: for what has a client of its own.
    Command { command: Vec<String> },
}

impl Probe {
    /// # Errors
    /// Why it is not ready.
    pub fn check(&self) -> anyhow::Result<()> {
        match self {
            Self::Tcp { address } => connect(*address).map(drop),
            Self::Http { address, path } => http(*address, "GET", path, "").map(drop),
            Self::Redis { address } => redis::pings(*address),
            Self::RedisCluster { address, servers } => redis::cluster(*address, *servers),
            Self::Sentinel { address } => redis::sentinel(*address),
            Self::Kafka { address, brokers } => kafka::lists(*address, *brokers),
            Self::Cassandra { address, replicas } => cassandra::answers(*address, *replicas),
            Self::Command { command } => {
                let (program, args) = command.split_first().context("an empty command")?;
                cache::run(Command::new(program).args(args)).map(drop)
            }
        }
    }

    /// The same when only so many of its kind are meant to run: after a fault the others may be down still.
    #[must_use]
    pub(crate) fn among(&self, running: u16) -> Self {
        let mut probe = self.clone();
        match &mut probe {
            Self::RedisCluster { servers: count, .. }
            | Self::Kafka { brokers: count, .. }
            | Self::Cassandra { replicas: count, .. } => *count = running.min(*count),
            Self::Tcp { .. }
            | Self::Http { .. }
            | Self::Redis { .. }
            | Self::Sentinel { .. }
            | Self::Command { .. } => {}
        }
        probe
    }
}

fn connect(address: SocketAddr) -> anyhow::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.set_write_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

/// The body of the answer.
///
/// # Errors
/// No connection, or a status other than 2xx.
pub(crate) fn http(address: SocketAddr, method: &str, path: &str, body: &str) -> anyhow::Result<String> {
    let mut socket = connect(address)?;
    let length = body.len();
    write!(
        socket,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )?;
    let mut answer = String::new();
    socket.take(LONGEST_ANSWER).read_to_string(&mut answer)?;
    let (head, text) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    ensure!(status.starts_with('2'), "{method} {path} answers {status} {text}");
    Ok(text.to_owned())
}

/// Reads big-endian fields one after another.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> anyhow::Result<[u8; N]> {
        let Some((head, rest)) = self.0.split_first_chunk() else { bail!("the answer is too short") };
        self.0 = rest;
        Ok(*head)
    }

    fn skip(&mut self, count: usize) -> anyhow::Result<()> {
        self.0 = self.0.get(count..).context("the answer is too short")?;
        Ok(())
    }
}

/// A length of four bytes, bounded: what answers may be no server of ours.
fn length(bytes: [u8; 4]) -> anyhow::Result<usize> {
    let length = u64::from(u32::from_be_bytes(bytes));
    ensure!(length <= LONGEST_ANSWER, "an answer of {length} bytes");
    Ok(usize::try_from(length)?)
}
