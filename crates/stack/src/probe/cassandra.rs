use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use anyhow::{bail, ensure};

use super::{Fields, connect, length};
use crate::secrets::{CASSANDRA_PASSWORD, CASSANDRA_USER};

/// This table has three replicas wherever there are three nodes.
const QUERY: &[u8] = b"SELECT parent_id FROM system_distributed.parent_repair_history \
    WHERE parent_id = 50554d6e-29bb-11e5-b345-feff819cdc9f";

const VERSION: u8 = 4;
const ERROR: u8 = 0x00;
const STARTUP: u8 = 0x01;
const READY: u8 = 0x02;
const AUTHENTICATE: u8 = 0x03;
const QUERY_CODE: u8 = 0x07;
const RESULT: u8 = 0x08;
const AUTH_RESPONSE: u8 = 0x0f;
const AUTH_SUCCESS: u8 = 0x10;

/// That a node answers at the level that needs all replicas means that it sees the others up and they answer it, which
/// neither an open port nor `system.peers` says.
pub fn answers(address: SocketAddr, replicas: u16) -> anyhow::Result<()> {
    let mut socket = connect(address)?;
    let mut options = 1_u16.to_be_bytes().to_vec();
    for text in ["CQL_VERSION", "3.0.0"] {
        options.extend(u16::try_from(text.len())?.to_be_bytes());
        options.extend(text.as_bytes());
    }
    match call(&mut socket, STARTUP, &options)? {
        (READY, _) => {}
        (AUTHENTICATE, _) => log_in(&mut socket)?,
        (code, _) => bail!("the node answers STARTUP with {code}"),
    }
    let mut query = i32::try_from(QUERY.len())?.to_be_bytes().to_vec();
    query.extend(QUERY);
    query.extend(level(replicas).to_be_bytes());
    query.push(0); // no values, no paging
    match call(&mut socket, QUERY_CODE, &query)? {
        (RESULT, _) => Ok(()),
        // After the code and a length: what it says.
        (ERROR, body) => bail!("{}", String::from_utf8_lossy(body.get(6..).unwrap_or_default())),
        (code, _) => bail!("the node answers a query with {code}"),
    }
}

fn log_in(socket: &mut TcpStream) -> anyhow::Result<()> {
    let words = ["", CASSANDRA_USER, CASSANDRA_PASSWORD].join("\0").into_bytes();
    let mut response = i32::try_from(words.len())?.to_be_bytes().to_vec();
    response.extend(words);
    let (code, _) = call(socket, AUTH_RESPONSE, &response)?;
    ensure!(code == AUTH_SUCCESS, "the node answers the password with {code}");
    Ok(())
}

/// ONE, TWO, ALL of three.
fn level(replicas: u16) -> u16 {
    match replicas {
        0 | 1 => 1,
        2 => 2,
        _ => 5,
    }
}

fn call(socket: &mut TcpStream, code: u8, body: &[u8]) -> anyhow::Result<(u8, Vec<u8>)> {
    let mut frame = vec![VERSION, 0, 0, 0, code];
    frame.extend(i32::try_from(body.len())?.to_be_bytes());
    frame.extend(body);
    socket.write_all(&frame)?;
    let mut head = [0; 9];
    socket.read_exact(&mut head)?;
    let mut fields = Fields(&head);
    let [version, _, _, _, code] = fields.take()?;
    ensure!(version == VERSION | 0x80, "not an answer of Cassandra");
    let mut answer = vec![0; length(fields.take()?)?];
    socket.read_exact(&mut answer)?;
    Ok((code, answer))
}
