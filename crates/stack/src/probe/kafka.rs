use std::io::{Read as _, Write as _};
use std::net::SocketAddr;

use anyhow::{Context as _, ensure};

use super::{Fields, connect, length};

const METADATA: i16 = 3;
const VERSION: i16 = 1;
const CLIENT: &str = "probe";

/// A Metadata request, since a JVM tool takes seconds to say the same. A broker in KRaft mode listens only after the
/// controller has unfenced it, and a fenced broker is not in the answer: those that are listed take traffic.
pub fn lists(address: SocketAddr, brokers: u16) -> anyhow::Result<()> {
    let listed = ask(address)?;
    ensure!(listed >= i32::from(brokers), "{listed} of {brokers} brokers are listed");
    Ok(())
}

fn ask(address: SocketAddr) -> anyhow::Result<i32> {
    let mut request = Vec::new();
    request.extend(METADATA.to_be_bytes());
    request.extend(VERSION.to_be_bytes());
    request.extend(1_i32.to_be_bytes()); // correlation id
    request.extend(i16::try_from(CLIENT.len())?.to_be_bytes());
    request.extend(CLIENT.as_bytes());
    request.extend(0_i32.to_be_bytes()); // no topics
    let mut socket = connect(address)?;
    socket.write_all(&i32::try_from(request.len())?.to_be_bytes())?;
    socket.write_all(&request)?;
    let mut size = [0; 4];
    socket.read_exact(&mut size)?;
    let mut answer = vec![0; length(size)?];
    socket.read_exact(&mut answer)?;
    count(&answer).context("not an answer of Kafka")
}

/// After the correlation id: how many brokers, then each as id, host, port, rack. The list is read through, so that
/// something else's answer is not taken for a number.
fn count(answer: &[u8]) -> anyhow::Result<i32> {
    let mut fields = Fields(answer);
    fields.skip(4)?;
    let count = i32::from_be_bytes(fields.take()?);
    ensure!((0..=1000).contains(&count), "{count} brokers");
    for _ in 0..count {
        fields.skip(4)?;
        let host = i16::from_be_bytes(fields.take()?);
        fields.skip(usize::try_from(host)? + 4)?;
        let rack = i16::from_be_bytes(fields.take()?);
        fields.skip(usize::try_from(rack.max(0))?)?;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_with_and_without_a_rack_are_counted() {
        let mut answer = vec![0, 0, 0, 1, 0, 0, 0, 2];
        answer.extend(b"\0\0\0\x01\0\x04host\0\0\x24\x4b\xff\xff");
        answer.extend(b"\0\0\0\x02\0\x04host\0\0\x24\x4c\0\x01r");
        assert_eq!(count(&answer).expect("works"), 2);
        assert!(count(&answer[..answer.len() - 1]).is_err());
        assert!(count(b"HTTP/1.1 400 Bad Request\r\n").is_err());
    }
}
