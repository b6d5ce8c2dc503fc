//! Ports of this machine that lead into another network namespace. The machine's own network stays as it is: no link, no
//! route, no rule.

use std::fs::File;
use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// More at once are turned away: each takes two threads.
const MOST_CONNECTIONS: usize = 1_000;
const PATIENCE: Duration = Duration::from_secs(5);

/// `FROM=TO`.
///
/// # Errors
/// It is something else.
pub fn parse_way(text: &str) -> anyhow::Result<(SocketAddr, SocketAddr)> {
    let (from, to) = text.split_once('=').context("an address, =, and an address")?;
    Ok((from.parse()?, to.parse()?))
}

/// Listens here, and connects from the network of that process. Returns only with an error.
///
/// # Errors
/// An address is taken, or the process is gone.
pub fn serve(process: u32, ways: &[(SocketAddr, SocketAddr)]) -> anyhow::Result<()> {
    // A socket stays in the network in which it was made.
    let listen = |(from, to): &(SocketAddr, SocketAddr)| -> anyhow::Result<(TcpListener, SocketAddr)> {
        Ok((TcpListener::bind(from).with_context(|| from.to_string())?, *to))
    };
    let listeners: Vec<(TcpListener, SocketAddr)> = ways.iter().map(listen).collect::<Result<_, _>>()?;
    let network = File::open(format!("/proc/{process}/ns/net")).context("no such process")?;
    // Threads that start from here on are there, too.
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            listeners.iter().map(|(listener, to)| scope.spawn(move || accept(listener, *to))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    })
}

fn accept(listener: &TcpListener, to: SocketAddr) -> anyhow::Result<()> {
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let (client, _) = listener.accept()?;
        let seat = Seat::take(&open);
        if seat.0.load(Ordering::SeqCst) > MOST_CONNECTIONS {
            continue;
        }
        std::thread::Builder::new().stack_size(128 << 10).spawn(move || {
            // What went wrong, both ends see by the end of their connection.
            let _ = join(&client, to);
            drop(seat);
        })?;
    }
}

fn join(client: &TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let server = TcpStream::connect_timeout(&to, PATIENCE)?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    std::thread::scope(|scope| {
        scope.spawn(|| pass(client, &server));
        pass(&server, client);
    });
    Ok(())
}

fn pass(mut from: &TcpStream, mut to: &TcpStream) {
    let whole = copy(&mut from, &mut to).is_ok();
    let _ = to.shutdown(Shutdown::Write);
    if !whole {
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }
}

struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(open.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_is_two_addresses() {
        let (from, to) = parse_way("127.0.0.1:1=10.0.0.1:2").expect("parses");
        assert_eq!((from.port(), to.port()), (1, 2));
        assert!(parse_way("127.0.0.1:1").is_err());
        assert!(parse_way("localhost:1=10.0.0.1:2").is_err());
    }
}
