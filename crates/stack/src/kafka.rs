//! Kafka in KRaft mode: combined brokers and controllers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::java::{self, Java};
use crate::part::{Part, all_at_once};
use crate::secrets::{PASSWORD, Secrets, USER};
use crate::template::render;
use crate::{Options, Ports, Probe, Process, cache, jars};

/// Any 16 bytes in base64.
const CLUSTER: &str = "RWxhc3RpY0NoYXQtdGVzdA";
const HEAP: &str = "256m";
const SERVER_CLASSES: &str = "kafka";
const TOOL_CLASSES: &str = "kafka-tool";

/// Of one broker: what its names mean to it.
const HOSTS: &str = "hosts";

/// An address at which a broker listens, and what it tells others about it.
struct Listener {
    name: &'static str,
    protocol: &'static str,
    address: SocketAddr,
    told: Option<String>,
}

/// The brokers.
pub(crate) struct Kafka {
    brokers: u16,
    ports: Ports,
    full_jit: bool,
    secured: bool,
    writers_proxy: bool,
    peer_proxies: bool,
    java: PathBuf,
    class_path: String,
    server_classes: PathBuf,
    tool_classes: PathBuf,
    /// Write the class-data archives instead of doing without.
    archiving: bool,
}

impl Kafka {
    /// # Errors
    /// No Java, or the jars can't be had.
    pub fn fetch(options: &Options) -> anyhow::Result<Self> {
        let java = Java::find()?;
        let folder = jars::KAFKA.folder()?;
        let kafka = Self {
            brokers: options.brokers,
            ports: options.ports(),
            full_jit: options.full_jit,
            secured: options.secured,
            writers_proxy: options.toxiproxy,
            peer_proxies: options.peer_proxies,
            class_path: jars::KAFKA.class_path(&folder)?,
            server_classes: java.archive(&folder, SERVER_CLASSES)?,
            tool_classes: java.archive(&folder, TOOL_CLASSES)?,
            java: java.program,
            archiving: false,
        };
        java::archive_once(&kafka.server_classes, |ports, server_classes| Self {
            brokers: 1,
            ports,
            full_jit: false,
            secured: false,
            writers_proxy: false,
            peer_proxies: false,
            tool_classes: server_classes.with_file_name("tool.making"),
            server_classes,
            archiving: true,
            java: kafka.java.clone(),
            class_path: kafka.class_path.clone(),
        });
        Ok(kafka)
    }

    fn command(&self, n: u16) -> Vec<String> {
        let mut command = vec![self.java.display().to_string(), format!("-Xms{HEAP}"), format!("-Xmx{HEAP}")];
        command.extend(java::compiler_flags(self.full_jit));
        command.extend(["-Xss512k", "-XX:MaxDirectMemorySize=128m"].map(str::to_owned));
        command.extend(java::EVERY_SERVER.map(str::to_owned));
        command.extend(java::archive_flags(&self.server_classes, self.archiving));
        // Found by `ps`, and nothing else.
        command.push(format!("-Dstack.name=kafka-{n}"));
        command.push("-Dlog4j2.configurationFile=log4j2.xml".to_owned());
        command.extend(self.hosts_flag());
        command.extend(["-cp".to_owned(), self.class_path.clone()]);
        command.extend(["kafka.Kafka", "server.properties"].map(str::to_owned));
        command
    }

    fn properties(&self, folder: &Path, n: u16) -> anyhow::Result<String> {
        let voter = |n| format!("{n}@{}", self.told(n, self.ports.controller(n)));
        // With three, two must be in sync; and a session of 1.5 s is then too short for a busy machine.
        let (in_sync, session) = if self.brokers == 3 { (2, 3000) } else { (1, 1500) };
        let listeners = self.listeners(n);
        let each =
            |text: fn(&Listener) -> Option<String>| listeners.iter().filter_map(text).collect::<Vec<_>>().join(",");
        let values = [
            ("n", n.to_string()),
            ("brokers", self.brokers.to_string()),
            ("voters", (1..=self.brokers).map(voter).collect::<Vec<_>>().join(",")),
            ("listeners", each(|at| Some(format!("{}://{}", at.name, at.address)))),
            ("advertised", each(|at| Some(format!("{}://{}", at.name, at.told.as_ref()?)))),
            ("protocols", each(|at| Some(format!("{}:{}", at.name, at.protocol)))),
            ("between-brokers", if self.peer_proxies { "PEERS" } else { "BROKER" }.to_owned()),
            ("dir", folder.display().to_string()),
            ("in-sync", in_sync.to_string()),
            ("session", session.to_string()),
            ("heartbeat", (session / 5).to_string()),
        ];
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut text = render(include_str!("../templates/kafka.properties"), &values)?;
        if self.secured {
            let secrets = Secrets::of(folder.parent().context("a broker's folder is in the stack's")?);
            let file = secrets.key_and_certificate().display().to_string();
            let values = [("key-and-certificate", file.as_str())];
            text += &render(include_str!("../templates/kafka-secured.properties"), &values)?;
        }
        Ok(text)
    }

    /// Clients that come through a proxy must be told the proxy's address, or they walk round it after the first answer: a
    /// listener for each proxy.
    fn listeners(&self, n: u16) -> Vec<Listener> {
        let (ports, plain) = (self.ports, "PLAINTEXT");
        let at = |name, protocol, address, told: SocketAddr| Listener {
            name,
            protocol,
            address,
            told: Some(told.to_string()),
        };
        let (broker, controller) = (ports.kafka(n), ports.controller(n));
        let mut all = vec![
            at("BROKER", plain, broker, broker),
            at("PROXIED", plain, ports.kafka_behind_proxy(n), ports.kafka_proxy(n)),
            Listener { told: None, ..at("CONTROLLER", plain, controller, controller) },
        ];
        if self.writers_proxy {
            all.push(at("WRITERS", plain, ports.kafka_behind_writers_proxy(n), ports.kafka_writers_proxy(n)));
        }
        if self.secured {
            all.push(at("TLS", "SSL", ports.kafka_tls(n), ports.kafka_tls(n)));
            all.push(at("SECURED", "SASL_SSL", ports.kafka_secured(n), ports.kafka_secured(n)));
        }
        if self.peer_proxies {
            let told = |address| Some(self.told(n, address));
            all[2].told = told(controller);
            let peers = ports.kafka_peers(n);
            all.push(Listener { told: told(peers), ..at("PEERS", plain, peers, peers) });
        }
        all
    }

    /// How others find an address of broker `n`. With proxies between them by a name, which means another address to each.
    fn told(&self, n: u16, address: SocketAddr) -> String {
        if self.peer_proxies { format!("kafka-{n}:{}", address.port()) } else { address.to_string() }
    }

    fn hosts_flag(&self) -> Option<String> {
        self.peer_proxies.then(|| format!("-Djdk.net.hosts.file={HOSTS}"))
    }

    /// What names mean to broker `n`; its Java asks nobody else.
    fn hosts(&self, n: u16) -> String {
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let mut text = format!("127.0.0.1 localhost {}\n", machine.trim());
        for to in 1..=self.brokers {
            let there = self.ports.kafka_peers(to);
            let address = if to == n { there } else { Ports::between(n, to, there) };
            text += &format!("{} kafka-{to}\n", address.ip());
        }
        text
    }

    /// A new broker's folder must be told which cluster it is of.
    fn format(&self, folder: &Path) -> anyhow::Result<()> {
        let mut format = Command::new(&self.java);
        format.current_dir(folder).args(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]);
        format.args(java::archive_flags(&self.tool_classes, self.archiving));
        format.args(self.hosts_flag());
        format.args(["-Dlog4j2.configurationFile=log4j2-tools.xml", "-cp", &self.class_path]);
        format.args(["kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", "server.properties"]);
        if self.secured {
            format.args(["--add-scram", &format!("SCRAM-SHA-512=[name={USER},password={PASSWORD}]")]);
        }
        cache::run(&mut format).map(drop).context("Kafka could not format its folder")
    }
}

impl Part for Kafka {
    fn processes(&self, dir: &Path) -> anyhow::Result<Vec<Process>> {
        let broker = |n| {
            let address = self.ports.kafka(n);
            let listens =
                self.listeners(n).into_iter().map(|at| at.address).filter(|other| *other != address).collect();
            let probe = Probe::Kafka { address, brokers: self.brokers };
            Process {
                listens,
                patience: 90,
                // The archive is written at the end.
                grace: if self.archiving { 60 } else { 20 },
                ..Process::new(dir, &format!("kafka-{n}"), address, self.command(n), probe)
            }
        };
        Ok((1..=self.brokers).map(broker).collect())
    }

    fn configure(&self, dir: &Path) -> anyhow::Result<()> {
        let folders: Vec<(u16, PathBuf)> = (1..=self.brokers).map(|n| (n, dir.join(format!("kafka-{n}")))).collect();
        all_at_once(folders, |(n, folder)| {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(folder.join("server.properties"), self.properties(&folder, n)?)?;
            if self.peer_proxies {
                std::fs::write(folder.join(HOSTS), self.hosts(n))?;
            }
            std::fs::write(folder.join("log4j2.xml"), include_str!("../templates/kafka-log4j2.xml"))?;
            std::fs::write(folder.join("log4j2-tools.xml"), include_str!("../templates/kafka-log4j2-tools.xml"))?;
            let new = !folder.join("data/meta.properties").exists();
            if new { self.format(&folder) } else { Ok(()) }
        })
    }
}

impl java::Archiving for Kafka {
    fn keep(&self, made: &Path) -> anyhow::Result<()> {
        std::fs::rename(&self.tool_classes, made.with_file_name(format!("{TOOL_CLASSES}.jsa")))?;
        Ok(std::fs::rename(&self.server_classes, made)?)
    }
}
