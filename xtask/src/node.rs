//! A node as a child process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// The node is ready when /readyz says so. It is stopped when this is dropped.
pub struct Node {
    pub child: Child,
    pub address: SocketAddr,
}

impl Node {
    /// # Errors
    /// It ended, or was not ready after 30 s.
    pub fn start(
        binary: &Path,
        listen: SocketAddr,
        admin: SocketAddr,
        data: &Path,
        extra: &[String],
        log: Stdio,
    ) -> anyhow::Result<Self> {
        let child = Command::new(binary)
            .arg("serve")
            .args(["--listen", &listen.to_string(), "--admin", &admin.to_string(), "--data-dir"])
            .arg(data)
            .args(extra)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?;
        let mut node = Self { child, address: listen };
        let begin = Instant::now();
        while !ready(admin) {
            if let Some(status) = node.child.try_wait()? {
                bail!("the node ended at once: {status}");
            }
            if begin.elapsed() > Duration::from_secs(30) {
                bail!("the node was not ready after 30 s");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(node)
    }

    /// Asks it to end, and waits.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_none() {
            let pid = self.child.id().to_string();
            Command::new("kill").args(["-TERM", &pid]).status()?;
            self.child.wait()?;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

/// A port that is free now.
pub fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn ready(admin: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut socket = TcpStream::connect_timeout(&admin, Duration::from_secs(1))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(socket, "GET /readyz HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
