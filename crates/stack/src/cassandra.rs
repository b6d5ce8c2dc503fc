//! Cassandra: one node on 127.0.0.1, or three on 127.0.0.1 to 127.0.0.3.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::java::{self, Java};
use crate::part::Part;
use crate::secrets::{STORE_PASSWORD, Secrets};
use crate::template::render;
use crate::{Options, Ports, Probe, Process, jars};

const HEAP: &str = "512m";
const TOKENS: u16 = 4;
const CLASSES: &str = "cassandra";

/// As root Cassandra locks its whole address space into memory, untouched heap and all: 850 MB resident where 400 do.
/// Without the capability that fails, with a line in the log.
const UNLOCKED: [&str; 5] = ["setpriv", "--bounding-set", "-ipc_lock", "prlimit", "--memlock=65536"];

/// No javaagent, unlike the distribution: class data can't be archived with one, and without it Cassandra measures objects
/// by other means. The delays are what a node waits for a gossip round of a large ring (30 s of ring delay): nothing here
/// is far away.
const PROPERTIES: [&str; 9] = [
    "-Djdk.attach.allowAttachSelf=true",
    "-Dlogback.configurationFile=logback.xml",
    "-Djava.net.preferIPv4Stack=true",
    "-Dcassandra.ring_delay_ms=1000",
    "-Dcassandra.skip_wait_for_gossip_to_settle=0",
    "-Dcassandra.superuser_setup_delay_ms=0",
    // A password is no secret here: each connection is let in within a millisecond instead of a hundred.
    "-Dcassandra.auth_bcrypt_gensalt_log2_rounds=4",
    "-Dcassandra.shutdown_announce_in_ms=200",
    "-Dcassandra-foreground=yes",
];

/// The nodes.
pub(crate) struct Cassandra {
    nodes: u16,
    ports: Ports,
    full_jit: bool,
    secured: bool,
    peer_proxies: bool,
    java: PathBuf,
    class_path: String,
    classes: PathBuf,
    /// Write the class-data archive instead of doing without.
    archiving: bool,
}

impl Cassandra {
    /// # Errors
    /// No Java, or the jars can't be had.
    pub fn fetch(options: &Options) -> anyhow::Result<Self> {
        let java = Java::find()?;
        let folder = jars::CASSANDRA.folder()?;
        let cassandra = Self {
            nodes: options.cassandra,
            ports: options.ports(),
            full_jit: options.full_jit,
            secured: options.secured,
            peer_proxies: options.peer_proxies,
            class_path: jars::CASSANDRA.class_path(&folder)?,
            classes: java.archive(&folder, CLASSES)?,
            java: java.program,
            archiving: false,
        };
        java::archive_once(&cassandra.classes, |ports, classes| Self {
            nodes: 1,
            ports,
            full_jit: false,
            secured: false,
            peer_proxies: false,
            classes,
            archiving: true,
            java: cassandra.java.clone(),
            class_path: cassandra.class_path.clone(),
        });
        Ok(cassandra)
    }

    fn command(&self, folder: &Path, n: u16) -> Vec<String> {
        let mut command = if may_lock_memory() { UNLOCKED.map(str::to_owned).to_vec() } else { Vec::new() };
        command.extend([self.java.display().to_string(), format!("-Xms{HEAP}"), format!("-Xmx{HEAP}")]);
        command.extend(java::compiler_flags(self.full_jit));
        command.extend(["-Xss256k", "-XX:MaxDirectMemorySize=128m"].map(str::to_owned));
        command.extend(java::archive_flags(&self.classes, self.archiving));
        let options = include_str!("../templates/cassandra-jvm17.options").lines();
        command.extend(options.filter(|line| !line.starts_with('#')).map(str::to_owned));
        command.extend(java::EVERY_SERVER.map(str::to_owned));
        command.extend(PROPERTIES.map(str::to_owned));
        let folder = folder.display();
        command.push(format!("-Dstack.name=cassandra-{n}"));
        command.push(format!("-Dcassandra.config=file://{folder}/cassandra.yaml"));
        command.push(format!("-Dcassandra-rackdc.properties=file://{folder}/rackdc.properties"));
        command.push(format!("-Dcassandra.storagedir={folder}"));
        command.push(format!("-Dcassandra.logdir={folder}"));
        command.push(format!("-Dcassandra.jmx.local.port={}", self.ports.cassandra_jmx(n).port()));
        command.extend(["-cp".to_owned(), self.class_path.clone()]);
        command.push("org.apache.cassandra.service.CassandraDaemon".to_owned());
        command
    }

    /// Where node `n`'s peers find it.
    fn for_peers(&self, n: u16) -> SocketAddr {
        let storage = self.ports.cassandra_storage(n);
        if self.peer_proxies { Ports::in_front_of(n, storage) } else { storage }
    }

    fn yaml(&self, folder: &Path, n: u16) -> anyhow::Result<String> {
        let seeds: Vec<String> = (1..=self.nodes).map(|n| self.for_peers(n).ip().to_string()).collect();
        let values = [
            ("token-count", TOKENS.to_string()),
            ("tokens", tokens(n, self.nodes)),
            ("seeds", seeds.join(",")),
            ("address", self.ports.cassandra(n).ip().to_string()),
            ("storage-port", self.ports.cassandra_storage(n).port().to_string()),
            ("port", self.ports.cassandra(n).port().to_string()),
            ("dir", folder.display().to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut text = render(include_str!("../templates/cassandra.yaml"), &values)?;
        if self.peer_proxies {
            text += &format!("broadcast_address: {}\n", self.for_peers(n).ip());
        }
        if self.secured {
            let store = Secrets::of(folder.parent().context("a node's folder is in the stack's")?).store();
            let values = [("store", store.display().to_string()), ("store-password", STORE_PASSWORD.to_owned())];
            let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
            text += &render(include_str!("../templates/cassandra-secured.yaml"), &values)?;
        }
        Ok(text)
    }
}

impl Part for Cassandra {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>> {
        let node = |n| {
            let (name, address) = (format!("cassandra-{n}"), self.ports.cassandra(n));
            let probe = Probe::Cassandra { address, replicas: self.nodes };
            Process {
                listens: vec![self.ports.cassandra_storage(n), self.ports.cassandra_jmx(n)],
                patience: 180,
                // SIGTERM flushes: the next start replays nothing. An archive is written after that.
                grace: if self.archiving { 60 } else { 30 },
                ..Process::new(dir, &name, address, self.command(&dir.join(&name), n), probe)
            }
        };
        Ok((1..=self.nodes).map(node).collect())
    }

    fn configure(&self, dir: &Path) -> anyhow::Result<()> {
        (1..=self.nodes).try_for_each(|n| {
            let folder = dir.join(format!("cassandra-{n}"));
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("rackdc.properties"), format!("dc=dc1\nrack=rack{n}\n"))?;
            std::fs::write(folder.join("logback.xml"), include_str!("../templates/cassandra-logback.xml"))?;
            Ok(std::fs::write(folder.join("cassandra.yaml"), self.yaml(&folder, n)?)?)
        })
    }
}

impl java::Archiving for Cassandra {
    fn keep(&self, made: &Path) -> anyhow::Result<()> {
        Ok(std::fs::rename(&self.classes, made)?)
    }
}

fn may_lock_memory() -> bool {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    rustix::process::geteuid().is_root() && there("setpriv") && there("prlimit")
}

/// Node `n` takes every `of`-th of the ring's equal pieces.
fn tokens(n: u16, of: u16) -> String {
    let step = (1_i128 << 64) / i128::from(of * TOKENS);
    let token = |turn: u16| (step * i128::from(turn * of + n - 1) - (1_i128 << 63)).to_string();
    (0..TOKENS).map(token).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_even() {
        assert_eq!(tokens(1, 1), "-9223372036854775808,-4611686018427387904,0,4611686018427387904");
        let mut all: Vec<i64> = (1..=3)
            .flat_map(|n| tokens(n, 3).split(',').map(|token| token.parse().expect("parses")).collect::<Vec<_>>())
            .collect();
        all.sort_unstable();
        assert_eq!(all.len(), 12);
        assert!(all.windows(2).all(|pair| pair[1].checked_sub(pair[0]) == Some(1_537_228_672_809_129_301)));
    }
}
