//! One server process: how it is started, what is remembered of it, whether it lives.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use crate::probe::Probe;
use crate::{PAUSE, port};

/// Kept in each process's folder, so that other programs can kill it and start it again.
const RECORD: &str = "process.json";
/// A log that is longer when its process starts is put aside.
const LOG_BYTES: u64 = 16 << 20;

/// What a server process is made of. `NAME/process.json` in the stack's folder holds it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Process {
    /// As `kafka-1`.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Added to our own environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Its working directory, and the proof that a pid is still this process. No two processes share one.
    pub cwd: PathBuf,
    /// Of the last start; whether it is that process still, [`Process::alive`] tells.
    pub pid: Option<u32>,
    /// Where clients go.
    pub address: SocketAddr,
    /// Where else it listens.
    #[serde(default)]
    pub listens: Vec<SocketAddr>,
    /// Its addresses are those of another network namespace: from here it can't be told whether they are free.
    #[serde(default)]
    pub elsewhere: bool,
    pub log: PathBuf,
    pub probe: Probe,
    /// Seconds it may take until it is ready.
    pub patience: u64,
    /// Seconds it gets to end after SIGTERM, before SIGKILL.
    pub grace: u64,
}

impl Process {
    /// A process that was not started yet, ready within 30 s and ending within 15 s.
    pub fn new(dir: &Path, name: &str, address: SocketAddr, command: Vec<String>, probe: Probe) -> Self {
        let cwd = dir.join(name);
        let log = cwd.join("out.log");
        let (env, listens, pid) = (BTreeMap::new(), Vec::new(), None);
        let (name, elsewhere, patience, grace) = (name.to_owned(), false, 30, 15);
        Self { name, command, env, cwd, pid, address, listens, elsewhere, log, probe, patience, grace }
    }

    /// The process as it was last written down.
    ///
    /// # Errors
    /// There is no such process, or its file can't be read.
    pub(crate) fn load(dir: &Path, name: &str) -> anyhow::Result<Self> {
        let path = dir.join(name).join(RECORD);
        let text = std::fs::read(&path).with_context(|| path.display().to_string())?;
        serde_json::from_slice(&text).with_context(|| path.display().to_string())
    }

    /// Every process of the folder, by name.
    pub(crate) fn all(dir: &Path) -> anyhow::Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
            let name = entry?.file_name();
            let Some(name) = name.to_str().filter(|name| dir.join(name).join(RECORD).exists()) else { continue };
            all.push(Self::load(dir, name)?);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// Written beside and renamed: a reader never sees half of it.
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.cwd)?;
        let path = self.cwd.join(RECORD);
        let partial = path.with_extension(format!("{}.partial", std::process::id()));
        std::fs::write(&partial, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&partial, &path).with_context(|| path.display().to_string())
    }

    /// Whether its pid is still this process. A pid outlives its process in our file and may be another's by now, so the
    /// process must also work in our folder. (Its environment would not do: Redis and nginx overwrite theirs.)
    pub fn alive(&self) -> bool {
        // Of a process that ended but was not waited for, the link can't be read.
        let cwd = self.pid.and_then(|pid| std::fs::read_link(format!("/proc/{pid}/cwd")).ok());
        cwd.is_some_and(|cwd| cwd.starts_with(&self.cwd))
    }

    /// Resident memory in bytes, of it and its children; 0 when it is not there.
    pub fn resident(&self) -> u64 {
        let Some(pid) = self.pid.filter(|_| self.alive()) else { return 0 };
        let own = resident(pid);
        let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
        own + listed.split_whitespace().filter_map(|child| child.parse().ok()).map(resident).sum::<u64>()
    }

    /// Starts it, in a process group of its own: Ctrl-C in the caller's terminal does not reach it, and a signal to the
    /// group reaches its children.
    ///
    /// # Errors
    /// One of its ports is taken, or the program can't be run.
    pub(crate) fn spawn(&mut self) -> anyhow::Result<Child> {
        self.await_ports()?;
        std::fs::create_dir_all(&self.cwd)?;
        let log = self.open_log()?;
        let (program, args) = self.command.split_first().context("an empty command")?;
        let mut command = Command::new(program);
        command.args(args).envs(&self.env).current_dir(&self.cwd).process_group(0);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = command.spawn().with_context(|| format!("cannot run {program} for {}", self.name))?;
        self.pid = Some(child.id());
        self.save()?;
        Ok(child)
    }

    /// # Errors
    /// One of its ports is taken.
    pub(crate) fn ensure_ports_free(&self) -> anyhow::Result<()> {
        let mut addresses = std::iter::once(&self.address).chain(&self.listens).filter(|_| !self.elsewhere);
        addresses.try_for_each(|address| port::ensure_free(*address, &self.name))
    }

    /// The children of one that was just killed may hold its ports for a moment.
    fn await_ports(&self) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            match self.ensure_ports_free() {
                Err(_) if self.pid.is_some() && begin.elapsed() < Duration::from_secs(2) => std::thread::sleep(PAUSE),
                free => return free,
            }
        }
    }

    fn open_log(&self) -> anyhow::Result<File> {
        if std::fs::metadata(&self.log).is_ok_and(|log| log.len() > LOG_BYTES) {
            std::fs::rename(&self.log, self.log.with_extension("log.old"))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(&self.log);
        file.with_context(|| self.log.display().to_string())
    }

    /// SIGTERM to the process itself: what it does with its children is its own affair.
    pub(crate) fn terminate(&self) {
        self.signal(|pid| kill_process(pid, Signal::TERM));
    }

    /// SIGHUP: read your configuration again.
    pub(crate) fn reload(&self) {
        self.signal(|pid| kill_process(pid, Signal::HUP));
    }

    /// SIGKILL to the whole group: nginx's workers outlive a killed master and keep the port.
    pub(crate) fn kill(&self) {
        self.signal(|pid| kill_process_group(pid, Signal::KILL));
    }

    /// That it is gone meanwhile is what was wanted.
    fn signal(&self, send: impl FnOnce(Pid) -> rustix::io::Result<()>) {
        let pid = self.pid.filter(|_| self.alive()).and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = send(pid);
        }
    }

    /// The last lines of its log, indented.
    pub fn last_lines(&self, count: usize) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(count)..].iter().flat_map(|line| ["  ", line, "\n"]).collect()
    }
}

fn resident(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(dir: &Path) -> Process {
        let address = "127.0.0.1:1".parse().expect("parses");
        let command = ["sleep", "60"].map(str::to_owned).to_vec();
        Process::new(dir, "sleeper", address, command, Probe::Tcp { address })
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut written = sleeper(dir.path());
        written.env.insert("KEY".to_owned(), "value".to_owned());
        written.pid = Some(7);
        written.save().expect("works");
        let read = Process::load(dir.path(), "sleeper").expect("works");
        assert_eq!(serde_json::to_value(&read).expect("works"), serde_json::to_value(&written).expect("works"));
        std::fs::create_dir(dir.path().join("not-a-process")).expect("works");
        assert_eq!(Process::all(dir.path()).expect("works").len(), 1);
        assert!(Process::load(dir.path(), "kafka-9").is_err());
    }

    #[test]
    fn a_pid_counts_only_where_the_process_should_work() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut process = sleeper(dir.path());
        let mut child = process.spawn().expect("starts");
        assert!(process.alive());
        assert!(process.resident() > 0);
        // The same number, but another's process: ours, for one.
        let stranger = Process { pid: Some(std::process::id()), ..process.clone() };
        assert!(!stranger.alive());
        stranger.kill();
        process.kill();
        assert!(!child.wait().expect("its end").success());
        assert!(!process.alive());
        assert_eq!(process.resident(), 0);
    }

    #[test]
    fn a_process_that_ended_but_was_not_waited_for_is_not_alive() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut process = sleeper(dir.path());
        let mut child = process.spawn().expect("starts");
        process.kill();
        while process.alive() {
            std::thread::yield_now();
        }
        // It gives up its folder a moment before it can be waited for.
        assert!(!child.wait().expect("its end").success());
    }
}
