//! A redis-server of the test's own, which it may stop, kill and start again.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::raw::Raw;
use crate::rig::until;

pub struct Server {
    pub port: u16,
    folder: TempDir,
    settings: Vec<String>,
    sentinel: bool,
    process: Option<Child>,
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port()
}

impl Server {
    /// Starts one with further settings, such as `["--requirepass", "x"]`. It keeps nothing on disk.
    pub async fn start(settings: &[&str]) -> Self {
        let settings = settings.iter().map(ToString::to_string).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let mut server = Self { port: free_port(), folder, settings, sentinel: false, process: None };
        server.start_again().await;
        server
    }

    /// A member of a cluster that has yet to be made.
    pub async fn cluster_member() -> Self {
        let bus = free_port().to_string();
        let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "1500", "--cluster-port", &bus];
        let more = ["--repl-ping-replica-period", "1", "--cluster-require-full-coverage", "no"];
        Self::start(&[&settings[..], &more[..], &["--cluster-replica-validity-factor", "0"]].concat()).await
    }

    /// A sentinel that watches a primary as `main`, together with one other at least.
    pub async fn sentinel(primary: u16) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = format!(
            "sentinel monitor main 127.0.0.1 {primary} 2\nsentinel down-after-milliseconds main 500\n\
             sentinel failover-timeout main 3000\n"
        );
        std::fs::write(folder.path().join("sentinel.conf"), rules).expect("written");
        let mut server = Self { port: free_port(), folder, settings: Vec::new(), sentinel: true, process: None };
        server.start_again().await;
        server
    }

    pub async fn start_again(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        if self.sentinel {
            command.arg(self.folder.path().join("sentinel.conf")).arg("--sentinel");
            command.args(["--port", &port, "--bind", "127.0.0.1"]);
        } else {
            command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        }
        command.arg("--dir").arg(self.folder.path()).args(&self.settings).stdout(Stdio::null());
        self.process = Some(command.spawn().expect("redis-server on the PATH"));
        let url = self.url();
        until("the server answers", async || {
            let client = redis::Client::open(url.as_str()).expect("an address");
            let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
            match redis::cmd("PING").query_async::<String>(&mut connection).await {
                Ok(_) => true,
                Err(error) => error.code() == Some("NOAUTH"),
            }
        })
        .await;
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub async fn raw(&self) -> Raw {
        Raw::one(&self.url()).await
    }

    /// kill -9.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().expect("killed");
            process.wait().expect("ended");
        }
    }

    /// It no longer answers, though its connections stay: as a network that swallows everything.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().expect("runs").id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The longest that a call may take: its deadline, and what the machine adds.
pub const BOUNDED: Duration = Duration::from_millis(1_800);
