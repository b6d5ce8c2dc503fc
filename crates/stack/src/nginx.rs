//! nginx as a balancer in front of WebSocket servers.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::part::Part;
use crate::template::render;
use crate::{Options, Probe, Process, Stack, cache};

const NAME: &str = "nginx";

/// The balancer.
pub(crate) struct Nginx {
    address: SocketAddr,
    upstreams: Vec<SocketAddr>,
    program: String,
}

impl Nginx {
    /// # Errors
    /// nginx is not installed.
    pub fn fetch(options: &Options) -> anyhow::Result<Self> {
        // Debian has it where only root looks.
        let program =
            ["nginx", "/usr/sbin/nginx"].into_iter().find(|name| Command::new(name).arg("-v").output().is_ok());
        let program = program.context("no nginx: install it (Debian: nginx-light)")?.to_owned();
        Ok(Self { address: options.ports().nginx(), upstreams: options.upstreams.clone(), program })
    }
}

impl Part for Nginx {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>> {
        let folder = dir.join(NAME).display().to_string();
        // -e: else it first opens the log that was compiled in, where a user may not write.
        let command = [&self.program, "-e", "stderr", "-p", &folder, "-c", "nginx.conf"].map(str::to_owned).to_vec();
        let address = self.address;
        Ok(vec![Process::new(dir, NAME, address, command, Probe::Tcp { address })])
    }

    fn configure(&self, dir: &Path) -> anyhow::Result<()> {
        let folder = dir.join(NAME);
        std::fs::create_dir_all(folder.join("tmp"))?;
        let servers: Vec<String> =
            self.upstreams.iter().map(|upstream| format!("    server {upstream} max_fails=0;\n")).collect();
        let (address, dir) = (self.address.to_string(), folder.display().to_string());
        let values = [("servers", servers.concat()), ("address", address), ("dir", dir.clone())];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        std::fs::write(folder.join("nginx.conf"), render(include_str!("../templates/nginx.conf"), &values)?)?;
        // The very file that the containers use.
        std::fs::write(folder.join("chat.conf"), include_str!("../../../deploy/nginx/chat.conf"))?;
        cache::run(Command::new(&self.program).args(["-t", "-q", "-e", "stderr", "-p", &dir, "-c", "nginx.conf"]))?;
        Ok(())
    }

    /// One that runs already takes the new list; open WebSockets stay with the old workers.
    fn start(&self, stack: &Stack, processes: Vec<Process>) -> anyhow::Result<()> {
        if let Ok(running) = stack.process(NAME) {
            running.reload();
        }
        stack.launch(processes)
    }
}
