//! A node as a child process.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// `chat-node serve`.
pub fn serve(binary: &Path, listen: SocketAddr, admin: SocketAddr, data: &Path, extra: &[String]) -> Command {
    let mut node = Command::new(binary);
    node.arg("serve").args(["--listen", &listen.to_string(), "--admin", &admin.to_string(), "--data-dir"]);
    node.arg(data).args(extra);
    node
}

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
        let child = serve(binary, listen, admin, data, extra)
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
    ///
    /// # Errors
    /// It did not end cleanly, or not within 30 s: then it is killed.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let pid = self.child.id().to_string();
        if self.child.try_wait()?.is_none() {
            Command::new("kill").args(["-TERM", &pid]).status()?;
        }
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { bail!("the node ended with {status}") };
            }
            if begin.elapsed() > Duration::from_secs(30) {
                self.child.kill()?;
                self.child.wait()?;
                bail!("the node did not end within 30 s of SIGTERM");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
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

/// Whether a process is there.
pub fn alive(pid: u32) -> anyhow::Result<bool> {
    let mut ask = Command::new("kill");
    Ok(ask.args(["-0", &pid.to_string()]).stderr(Stdio::null()).status()?.success())
}

/// What /readyz says.
pub fn ready(admin: SocketAddr) -> bool {
    serves(admin, "/readyz")
}

/// Whether a GET of the path is answered with 200.
pub fn serves(address: SocketAddr, path: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut socket = TcpStream::connect_timeout(&address, Duration::from_secs(1))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(socket, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
