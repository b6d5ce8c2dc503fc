use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use hyper::Method;

use crate::client::Http;

/// Of the account that owns imported conversations.
pub const PASSWORD: &str = "bench-password";
const SERVER_CORE: &str = "0";
const GENERATOR_CORE: &str = "1";

/// Moves this process to its own core, so that it takes nothing from the server.
pub fn pin_self() -> anyhow::Result<()> {
    let pid = std::process::id().to_string();
    let done = Command::new("taskset").args(["-a", "-p", "-c", GENERATOR_CORE, &pid]).stdout(Stdio::null()).status();
    let done = done.context("cannot run taskset (util-linux)")?;
    if !done.success() {
        bail!("there is no second core for the generator");
    }
    Ok(())
}

/// Starts nodes for measuring.
pub struct Server {
    binary: PathBuf,
    work: PathBuf,
    folders: AtomicU32,
}

/// A node on its core. It is ended, and its folder removed, when this is dropped.
pub struct Running {
    child: Child,
    folder: PathBuf,
    pub address: SocketAddr,
}

impl Running {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Server {
    pub fn new(binary: &Path, work: Option<&Path>) -> anyhow::Result<Self> {
        let binary = binary.canonicalize().with_context(|| format!("there is no node at {}", binary.display()))?;
        let work = work.map_or_else(
            || std::env::temp_dir().join(format!("elastic-chat-bench-{}", std::process::id())),
            Path::to_owned,
        );
        std::fs::create_dir_all(&work)?;
        Ok(Self { binary, work, folders: AtomicU32::new(0) })
    }

    pub fn fresh_folder(&self) -> anyhow::Result<PathBuf> {
        let folder = self.work.join(format!("data-{}", self.folders.fetch_add(1, Ordering::Relaxed)));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn pinned(&self) -> Command {
        let mut command = Command::new("taskset");
        command.args(["-c", SERVER_CORE]).arg(&self.binary);
        command
    }

    /// Messages a second, as the import itself reports them.
    pub fn import(&self, files: &[PathBuf], data: &Path) -> anyhow::Result<f64> {
        let mut import = self.pinned();
        import
            .args(["import", "irc", "--conversation", "history", "--owner", "bench", "--data-dir"])
            .arg(data)
            .args(files);
        let done = import.env("CHAT_IMPORT_PASSWORD", PASSWORD).output()?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        println!("{}", text.lines().find(|line| line.starts_with("imported")).unwrap_or_default());
        let rate =
            text.split_once('(').and_then(|(_, rest)| rest.split_once("/s)")).and_then(|(rate, _)| rate.parse().ok());
        rate.with_context(|| format!("the import failed: {text}{}", String::from_utf8_lossy(&done.stderr)))
    }

    pub async fn start(&self, data: &Path) -> anyhow::Result<Running> {
        let free = || -> std::io::Result<SocketAddr> { TcpListener::bind("127.0.0.1:0")?.local_addr() };
        let (address, admin) = (free()?, free()?);
        let mut serve = self.pinned();
        serve
            .args([
                "serve",
                "--listen",
                &address.to_string(),
                "--admin",
                &admin.to_string(),
                "--log",
                "warn",
                "--data-dir",
            ])
            .arg(data);
        for limit in ["sends-per-user", "connections-per-user", "handshakes", "auth-per-address"] {
            serve.args([format!("--limit-{limit}"), "off".to_owned()]);
        }
        let mut running = Running { child: serve.spawn()?, folder: data.to_owned(), address };
        let begin = Instant::now();
        while Http::new(&admin.to_string()).call(Method::GET, "/readyz", None, None).await.is_err() {
            if let Some(status) = running.child.try_wait()? {
                bail!("the node ended at once: {status}");
            }
            if begin.elapsed() > Duration::from_secs(30) {
                bail!("the node is not ready after 30 s");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(running)
    }
}
