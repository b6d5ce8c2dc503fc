//! What the simulated people do.

mod closed;
mod crowd;
mod history;
mod idle;
mod open;
mod replay;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use service_kit::process::{Reading, reading_of};

pub use closed::sends;
pub use crowd::Crowd;
pub use history::history;
pub use idle::idle;
pub use open::{Plan, Storm, open_loop};
pub use replay::replay;

use crate::report::Report;

/// The password of every account that a load test makes.
pub const PASSWORD: &str = "load-test-password";

/// Where the server is, and what every scenario needs.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// The chat node, or several separated by commas: connections are spread over them in turn
    #[arg(long, default_value = "http://127.0.0.1:8080", global = true)]
    pub url: String,
    /// The server's process, to report its memory and CPU
    #[arg(long, global = true)]
    pub server_pid: Option<u32>,
    /// Write the report here as JSON
    #[arg(long, global = true)]
    pub json: Option<PathBuf>,
    /// Begin of the usernames; another one begins with fresh accounts
    #[arg(long, default_value = "load", global = true)]
    pub prefix: String,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10.0, global = true)]
    pub duration: f64,
    /// Seconds before that which are not
    #[arg(long, default_value_t = 2.0, global = true)]
    pub warmup: f64,
    /// For everything random
    #[arg(long, default_value_t = 1, global = true)]
    pub seed: u64,
    /// No line each second
    #[arg(long, global = true)]
    pub quiet: bool,
}

impl Target {
    /// The first server.
    pub fn authority(&self) -> anyhow::Result<String> {
        self.authorities().map(|mut all| all.swap_remove(0))
    }

    /// Every server; at least one.
    pub fn authorities(&self) -> anyhow::Result<Vec<String>> {
        let one = |url: &str| {
            let rest = url.strip_prefix("http://").with_context(|| format!("--url {url} is not http://host:port"))?;
            let authority = rest.trim_end_matches('/');
            if !authority.contains(':') {
                bail!("--url {url} needs a port");
            }
            Ok(authority.to_owned())
        };
        self.url.split(',').map(one).collect()
    }

    pub fn server(&self) -> Option<Reading> {
        reading_of(&self.server_pid?.to_string())
    }

    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.duration.max(0.1))
    }

    pub fn warmup(&self) -> Duration {
        Duration::from_secs_f64(self.warmup.max(0.0))
    }

    /// Prints the report and writes it where it is wanted.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn publish(&self, report: &Report) -> anyhow::Result<()> {
        report.print();
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_vec_pretty(report)?)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}
