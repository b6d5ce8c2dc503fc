use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{Context as _, bail, ensure};

use super::connect;

/// An answer nests no deeper, is no longer.
const DEEPEST: usize = 8;
const LONGEST: usize = 1 << 20;

/// An answer, as far as probes look into it.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Text(String),
    Number(i64),
    List(Vec<Reply>),
}

impl Reply {
    /// It and all below it that are text.
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => vec![text],
            Self::Number(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::texts).collect(),
        }
    }
}

pub fn pings(address: SocketAddr) -> anyhow::Result<()> {
    let answer = call(address, &["PING"])?;
    ensure!(answer == Reply::Text("PONG".to_owned()), "PING is answered with {answer:?}");
    Ok(())
}

/// The state is ok before the replicas are available; CLUSTER SLOTS lists only those that are.
pub fn cluster(address: SocketAddr, servers: u16) -> anyhow::Result<()> {
    let info = call(address, &["CLUSTER", "INFO"])?;
    let ok = info.texts().iter().any(|text| text.lines().any(|line| line == "cluster_state:ok"));
    ensure!(ok, "the cluster's state is not ok");
    let slots = call(address, &["CLUSTER", "SLOTS"])?;
    // Each server is listed with its id, 40 hexadecimal digits; one with several ranges of slots several times.
    let is_id = |text: &&str| text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut ids: Vec<&str> = slots.texts().into_iter().filter(is_id).collect();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() >= usize::from(servers), "{} of {servers} servers are listed", ids.len());
    Ok(())
}

/// A sentinel alone elects nobody: it must know both replicas and enough other sentinels.
pub fn sentinel(address: SocketAddr) -> anyhow::Result<()> {
    let quorum = call(address, &["SENTINEL", "CKQUORUM", "main"])?;
    ensure!(quorum.texts().iter().any(|text| text.starts_with("OK")), "{quorum:?}");
    let Reply::List(replicas) = call(address, &["SENTINEL", "REPLICAS", "main"])? else { bail!("no list of replicas") };
    ensure!(replicas.len() >= 2, "{} of 2 replicas are known", replicas.len());
    Ok(())
}

/// Sends a command to a server and gives its answer.
///
/// # Errors
/// No connection, no answer in time, or an answer that is an error.
pub fn call(address: SocketAddr, words: &[&str]) -> anyhow::Result<Reply> {
    let mut socket = connect(address)?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        let _ = write!(request, "${}\r\n{word}\r\n", word.len());
    }
    socket.write_all(request.as_bytes())?;
    read(&mut BufReader::new(socket), 0)
}

fn read(socket: &mut BufReader<TcpStream>, depth: usize) -> anyhow::Result<Reply> {
    ensure!(depth < DEEPEST, "an answer that is too deep");
    let mut line = String::new();
    socket.by_ref().take(LONGEST as u64).read_line(&mut line)?;
    let line = line.trim_end();
    let (kind, rest) = line.split_at_checked(1).context("no answer")?;
    // -1 is null: nothing, in what is asked here.
    let count = || rest.parse::<i64>().map(|count| usize::try_from(count).unwrap_or(0));
    match kind {
        "+" => Ok(Reply::Text(rest.to_owned())),
        "-" => bail!("{rest}"),
        ":" => Ok(Reply::Number(rest.parse()?)),
        "$" => {
            let count = count()?;
            ensure!(count <= LONGEST, "an answer of {count} bytes");
            let mut text = vec![0; if rest.starts_with('-') { 0 } else { count + 2 }];
            socket.read_exact(&mut text)?;
            text.truncate(count);
            Ok(Reply::Text(String::from_utf8_lossy(&text).into_owned()))
        }
        "*" => {
            let count = count()?;
            ensure!(count <= LONGEST, "an answer of {count} parts");
            (0..count).map(|_| read(socket, depth + 1)).collect::<anyhow::Result<_>>().map(Reply::List)
        }
        _ => bail!("not an answer of Redis"),
    }
}
