//! Who holds a port.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use anyhow::bail;

/// # Errors
/// Something listens there: which process that is, as far as this user may know, and what to do.
pub(crate) fn ensure_free(address: SocketAddr, for_what: &str) -> anyhow::Result<()> {
    let Err(error) = TcpListener::bind(address) else { return Ok(()) };
    let holder = match holder(address) {
        Some((pid, name)) => format!("taken by pid {pid} ({name})"),
        None if error.kind() == std::io::ErrorKind::AddrInUse => "taken by a process of another user".to_owned(),
        None => format!("not to be had: {error}"),
    };
    bail!("{address}, wanted for {for_what}, is {holder}: stop that, or choose other ports with --port-offset")
}

/// The process that listens at an address, or at that port of all addresses.
fn holder(address: SocketAddr) -> Option<(u32, String)> {
    let inode = listening_inode(address)?;
    let wanted = format!("socket:[{inode}]");
    let pids = std::fs::read_dir("/proc").ok()?.flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).find_map(|pid: u32| {
        let folder = format!("/proc/{pid}");
        let files = std::fs::read_dir(format!("{folder}/fd")).ok()?;
        let holds = files.flatten().any(|file| is_link_to(&file.path(), &wanted));
        let name = || std::fs::read_to_string(format!("{folder}/comm")).unwrap_or_default().trim().to_owned();
        holds.then(|| (pid, name()))
    })
}

fn is_link_to(link: &Path, wanted: &str) -> bool {
    std::fs::read_link(link).is_ok_and(|target| target.as_os_str() == wanted)
}

fn listening_inode(address: SocketAddr) -> Option<String> {
    const LISTENS: &str = "0A";
    let port = format!(":{:04X}", address.port());
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|table| {
        let table = std::fs::read_to_string(table).ok()?;
        table.lines().skip(1).find_map(|line| {
            let columns: Vec<&str> = line.split_whitespace().collect();
            let [_, local, _, state, ..] = columns[..] else { return None };
            let ours = local.ends_with(&port) && state == LISTENS && covers(local, address);
            ours.then(|| columns.get(9).map(|inode| (*inode).to_owned()))?
        })
    })
}

/// Whether the table's `0100007F:1F90` is that address, or all addresses. IPv6 sockets are taken to cover it: they
/// mostly listen for both.
fn covers(local: &str, address: SocketAddr) -> bool {
    let host = local.split(':').next().unwrap_or_default();
    let SocketAddr::V4(v4) = address else { return true };
    let little = format!("{:08X}", u32::from_le_bytes(v4.ip().octets()));
    host.len() != 8 || host == "00000000" || host == little
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let holder = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = holder.local_addr().expect("an address");
        let error = ensure_free(address, "redis-1").expect_err("a refusal").to_string();
        let me = std::process::id();
        assert!(error.starts_with(&format!("{address}, wanted for redis-1, is taken by pid {me} (")), "{error}");
        drop(holder);
        ensure_free(address, "redis-1").expect("works");
    }

    #[test]
    fn a_listener_on_all_addresses_is_named_too() {
        let holder = TcpListener::bind("0.0.0.0:0").expect("a port");
        let address = SocketAddr::from(([127, 0, 0, 1], holder.local_addr().expect("an address").port()));
        let error = ensure_free(address, "s3").expect_err("a refusal").to_string();
        assert!(error.contains(&format!("taken by pid {}", std::process::id())), "{error}");
    }
}
