//! Real Redis, Kafka, Cassandra, S3 and nginx as local processes, without Docker and without root.
//!
//! A [`Stack`] is a folder: for each process it has a folder with its data, its log and how it is started, so that any
//! program may kill one and start it again. Everything listens on loopback addresses only, or on [`Options::host`].
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let stack = stack::Stack::open(".stack")?;
//! stack.up(&stack::Options { brokers: 3, ..stack::Options::default() })?;
//! stack.kill("kafka-2")?;
//! stack.start(&["kafka-2"])?;
//! stack.wipe()?;
//! # Ok(())
//! # }
//! ```

pub mod cache;
mod cassandra;
mod chat;
pub mod golang;
mod jars;
mod java;
mod kafka;
mod nginx;
mod options;
mod part;
mod port;
mod ports;
mod probe;
mod process;
mod proxies;
mod redis;
mod s3;
mod secrets;
pub mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

pub use chat::Chat;
pub use options::{Options, Redis};
pub use ports::Ports;
pub use probe::Probe;
pub use process::Process;
pub use proxies::Proxies;
pub use s3::{ACCESS_KEY as S3_ACCESS_KEY, SECRET_KEY as S3_SECRET_KEY};
pub use secrets::{CASSANDRA_USER, Secrets, USER};

/// What the data is of.
const OPTIONS: &str = "stack.json";
const LOCK: &str = "lock";
/// Between two looks at something that is about to change.
const PAUSE: Duration = Duration::from_millis(20);
const LAST_LINES: usize = 20;

/// A folder with processes.
#[derive(Debug)]
pub struct Stack {
    dir: PathBuf,
    /// Those that we started, by name: who starts a process must wait for its end, or it stays a zombie.
    children: Mutex<BTreeMap<String, Child>>,
    interrupted: AtomicBool,
}

/// One line of `./dev stack status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessStatus {
    pub name: String,
    /// `None` when it does not run.
    pub pid: Option<u32>,
    pub address: String,
    pub log: PathBuf,
    pub up: bool,
    /// Resident memory in bytes, of it and its children.
    pub rss: u64,
}

impl Stack {
    /// The stack of a folder, which is made when it is not there. Starts nothing.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn open(dir: impl AsRef<Path>) -> anyhow::Result<Self> {
        let dir = dir.as_ref();
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
        // As the kernel names working directories.
        let dir = dir.canonicalize()?;
        Ok(Self { dir, children: Mutex::new(BTreeMap::new()), interrupted: AtomicBool::new(false) })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Certificates and passwords of servers that are [`secured`](Options::secured).
    pub fn secrets(&self) -> Secrets {
        Secrets::of(&self.dir)
    }

    /// What was asked of [`Self::up`], all in all; `None` when the folder is new or wiped.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn options(&self) -> anyhow::Result<Option<Options>> {
        let path = self.dir.join(OPTIONS);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Fetches what is missing, starts what does not run, all at once, and waits until each server does its work. What runs
    /// already stays as it is, also what these options don't ask for.
    ///
    /// # Errors
    /// The data is of another shape, a port is taken, something can't be fetched, or a server did not become ready: then
    /// what this call started is stopped, and the error has the end of its log.
    pub fn up(&self, options: &Options) -> anyhow::Result<()> {
        options.check()?;
        let _lock = self.lock()?;
        let options = self.options()?.map_or_else(|| Ok(options.clone()), |before| options.on(&before))?;
        let parts = part::fetch(&options)?;
        let mut planned = Vec::new();
        for part in &parts {
            planned.push((part, part.processes(&self.dir)?));
        }
        // Before anything is written: a port that is taken is the likeliest failure, and leaves no trace.
        let running = self.running()?;
        for process in planned.iter().flat_map(|(_, processes)| processes) {
            if !running.contains(&process.name) {
                process.ensure_ports_free()?;
            }
        }
        if options.secured {
            Secrets::of(&self.dir).make()?;
        }
        std::fs::write(self.dir.join(OPTIONS), serde_json::to_vec_pretty(&options)?)?;
        let outcome = part::all_at_once(planned, |(part, processes)| {
            part.configure(&self.dir)?;
            part.start(self, processes)
        });
        if outcome.is_err() {
            let started = self.running()?.difference(&running).cloned().collect();
            self.stop_these(&started)?;
        }
        outcome
    }

    /// Makes [`Self::up`], [`Self::start`] and [`Self::start_chat`] fail soon, those that are under way and later ones.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
    }

    /// Stops everything: first the chat nodes, then the writers, then the servers they need. Data and logs stay.
    ///
    /// # Errors
    /// A record can't be read or written.
    pub fn down(&self) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        self.stop_these(&self.running()?)
    }

    /// Kills everything and removes its data and logs.
    ///
    /// # Errors
    /// Something can't be read or removed.
    pub fn wipe(&self) -> anyhow::Result<()> {
        let lock = self.lock()?;
        for process in Process::all(&self.dir)? {
            self.kill(&process.name)?;
            std::fs::remove_dir_all(&process.cwd)?;
        }
        let _ = std::fs::remove_dir_all(self.secrets().folder());
        for file in [OPTIONS, chat::SIGNING_KEY, chat::S3_CREDENTIALS] {
            let _ = std::fs::remove_file(self.dir.join(file));
        }
        drop(lock);
        let _ = std::fs::remove_file(self.dir.join(LOCK));
        // Not when there is something else in it.
        let _ = std::fs::remove_dir(&self.dir);
        Ok(())
    }

    /// Every process that was ever started here, by name.
    ///
    /// # Errors
    /// A record can't be read.
    pub fn status(&self) -> anyhow::Result<Vec<ProcessStatus>> {
        self.reap();
        let tell = |process: Process| {
            let (up, rss) = (process.alive(), process.resident());
            let pid = process.pid.filter(|_| up);
            ProcessStatus { name: process.name, pid, address: process.address.to_string(), log: process.log, up, rss }
        };
        Ok(Process::all(&self.dir)?.into_iter().map(tell).collect())
    }

    /// What is known of one process.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn process(&self, name: &str) -> anyhow::Result<Process> {
        Process::load(&self.dir, name).with_context(|| {
            let known = Process::all(&self.dir).unwrap_or_default();
            let known: Vec<String> = known.into_iter().map(|process| process.name).collect();
            format!("no process {name} among {}", if known.is_empty() { "none".to_owned() } else { known.join(", ") })
        })
    }

    /// Kills a process and its children with SIGKILL: no warning, no flush. Returns when it is gone. One that does not run
    /// stays as it is.
    ///
    /// # Errors
    /// There is no such process, or it outlives SIGKILL by 10 s.
    pub fn kill(&self, name: &str) -> anyhow::Result<()> {
        let process = self.process(name)?;
        process.kill();
        self.await_end(&process, Duration::from_secs(10))
    }

    /// Asks a process to end with SIGTERM and waits; kills it when it takes longer than it should.
    ///
    /// # Errors
    /// There is no such process, or it could not be ended at all.
    pub fn stop(&self, name: &str) -> anyhow::Result<()> {
        let process = self.process(name)?;
        process.terminate();
        if self.await_end(&process, Duration::from_secs(process.grace)).is_err() {
            eprintln!("{name} did not end within {} s of SIGTERM, and is killed", process.grace);
            self.kill(name)?;
        }
        Ok(())
    }

    /// Starts processes as they were started before, all at once, and waits until they are ready. Those that run stay.
    /// A server of several counts as ready when it works with those that run, also when that is not all of them: give the
    /// names of two at once where one alone is no majority.
    ///
    /// # Errors
    /// There is no such process, its port is taken, or it did not become ready.
    pub fn start<N: AsRef<str>>(&self, names: &[N]) -> anyhow::Result<()> {
        let processes: Vec<Process> = names.iter().map(|name| self.process(name.as_ref())).collect::<Result<_, _>>()?;
        self.launch(processes)
    }

    /// Starts those that do not run, and waits for all. They need not be servers of [`Options`]: whatever runs in this folder
    /// can be listed, killed and started again.
    ///
    /// # Errors
    /// A port is taken, or one of them did not become ready.
    pub fn launch(&self, processes: Vec<Process>) -> anyhow::Result<()> {
        self.reap();
        let mut awaited = Vec::new();
        for mut process in processes {
            self.go_on()?;
            match self.process(&process.name) {
                Ok(known) if known.alive() => process = known,
                _ => {
                    let child = process.spawn()?;
                    self.children.lock().unwrap_or_else(PoisonError::into_inner).insert(process.name.clone(), child);
                }
            }
            awaited.push(process);
        }
        let running = self.running()?;
        let peers = |family: &str| running.iter().filter(|name| self::family(name) == family).count();
        awaited.iter().try_for_each(|process| {
            let peers = u16::try_from(peers(family(&process.name))).unwrap_or(u16::MAX);
            self.await_ready(process, &process.probe.among(peers))
        })
    }

    fn await_ready(&self, process: &Process, probe: &Probe) -> anyhow::Result<()> {
        let begin = Instant::now();
        loop {
            self.go_on()?;
            // Asked first: what answers there after its end is another's server.
            let alive = process.alive();
            let refusal = match probe.check() {
                Ok(()) if alive => return Ok(()),
                Ok(()) => anyhow::anyhow!("it is gone"),
                Err(refusal) => refusal,
            };
            let log = || format!("{} ends with:\n{}", process.log.display(), process.last_lines(LAST_LINES));
            if !alive {
                let end = self.end_of(&process.name).map(|status| format!(" with {status}")).unwrap_or_default();
                bail!("{} ended{end} while it started. {}", process.name, log());
            }
            if begin.elapsed() > Duration::from_secs(process.patience) {
                bail!("{} is not ready after {} s: {refusal:#}. {}", process.name, process.patience, log());
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// How a child of ours ended.
    fn end_of(&self, name: &str) -> Option<ExitStatus> {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        children.get_mut(name)?.try_wait().ok().flatten()
    }

    fn go_on(&self) -> anyhow::Result<()> {
        ensure!(!self.interrupted.load(Ordering::SeqCst), "interrupted");
        Ok(())
    }

    fn running(&self) -> anyhow::Result<BTreeSet<String>> {
        self.reap();
        let alive = |process: Process| process.alive().then_some(process.name);
        Ok(Process::all(&self.dir)?.into_iter().filter_map(alive).collect())
    }

    /// One rank after another, each at once: of three brokers that go one by one the last two would have no quorum left.
    fn stop_these(&self, names: &BTreeSet<String>) -> anyhow::Result<()> {
        let rank = |name: &str| match family(name) {
            "node" => 0,
            "writer" => 1,
            // Servers may say farewell to each other through it.
            "toxiproxy" => 3,
            _ => 2,
        };
        (0..=3).try_for_each(|now| {
            let names: Vec<&String> = names.iter().filter(|name| rank(name) == now).collect();
            part::all_at_once(names, |name| self.stop(name))
        })
    }

    fn await_end(&self, process: &Process, patience: Duration) -> anyhow::Result<()> {
        let begin = Instant::now();
        while process.alive() {
            if begin.elapsed() > patience {
                bail!("{} is there still after {} s", process.name, patience.as_secs());
            }
            std::thread::sleep(PAUSE);
        }
        self.reap();
        Ok(())
    }

    /// Collects the ends of our own children, which are remembered until one of that name starts again.
    fn reap(&self) {
        for child in self.children.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            let _ = child.try_wait();
        }
    }

    /// Held while the whole is started or stopped: by one program at a time.
    fn lock(&self) -> anyhow::Result<File> {
        let file = File::create(self.dir.join(LOCK))?;
        file.lock()?;
        Ok(file)
    }
}

/// Fetches and builds what those servers are made of, and starts nothing: for where there is no way out later.
///
/// # Errors
/// Something can't be fetched.
pub fn fetch(options: &Options) -> anyhow::Result<()> {
    part::fetch(options).map(drop)
}

/// `kafka` of `kafka-1`.
fn family(name: &str) -> &str {
    name.split('-').next().unwrap_or(name)
}
