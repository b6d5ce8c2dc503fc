//! A real Kubernetes as local processes: no Docker, no registry, no systemd.
//!
//! [`Mode::ControlPlane`] is etcd, the API server, the controller manager and the scheduler on 127.0.0.1, for any user: objects
//! are as real as anywhere, but nothing runs in pods. [`Mode::Full`] adds containerd, a kubelet, kube-proxy, CoreDNS and pods
//! that run. It needs root, and lives in network, process and mount namespaces of its own: the machine's interfaces, packet
//! filters and mounts stay as they are, and when the first process of the namespaces ends, the kernel takes the rest.
//!
//! A [`Cluster`] is a folder, and each of its processes is one of a [`stack::Stack`] there: any program may kill one and start
//! it again.

mod addons;
mod cgroups;
mod control_plane;
pub mod forward;
mod image;
mod machine;
mod node;
mod pki;
mod programs;
mod requirements;
mod site;

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};
use stack::{Probe, Process, ProcessStatus, Stack};

pub use machine::{NODE_ADDRESS, NODE_NAME};
pub use programs::KUBERNETES_VERSION;
pub use requirements::missing;

use site::{Ports, Site};

/// What was asked for.
const RECORD: &str = "cluster.json";
const LOCK: &str = "cluster.lock";
/// Everything that is no process: keys, configuration, volumes.
const FILES: &str = "files";
const KUBECONFIG: &str = "admin.kubeconfig";
/// What leads a port of this machine into the cluster's network.
const FORWARD: &str = "forward";

/// How much of a cluster there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// No node: pods stay pending.
    ControlPlane,
    /// One node that runs pods.
    Full,
}

/// A folder with a cluster.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    stack: Stack,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    mode: Mode,
    ports: Ports,
}

/// What `./dev cluster status --json` says.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// `None` when there is no cluster.
    pub mode: Option<Mode>,
    /// Whether each of its processes runs.
    pub up: bool,
    pub kubeconfig: PathBuf,
    /// As this machine reaches it.
    pub api_server: Option<String>,
    /// Where pods reach servers that run in the cluster's network.
    pub node_address: Option<Ipv4Addr>,
    /// What a command is put behind to run in the cluster's network.
    pub enter: Vec<String>,
    pub processes: Vec<ProcessStatus>,
}

impl Cluster {
    /// The cluster of a folder, which is made when it is not there. Starts nothing.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn open(dir: impl AsRef<Path>) -> anyhow::Result<Self> {
        let stack = Stack::open(dir)?;
        Ok(Self { dir: stack.dir().to_owned(), stack })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// For `kubectl`, Helm and every client, on this machine and in the cluster's network.
    pub fn kubeconfig(&self) -> PathBuf {
        self.dir.join(KUBECONFIG)
    }

    /// Where what pods write is kept, in a folder for each of them that is there.
    pub fn pod_logs(&self) -> PathBuf {
        self.dir.join(FILES).join(node::POD_LOGS)
    }

    /// Starts a cluster and waits until it does its work; one that runs stays, and what was killed of it is started again.
    /// The API server is at that port of 127.0.0.1, or at a free one. `forwarder` is a command that calls
    /// [`forward::serve`] with the arguments that are put behind it; only a full cluster needs it.
    ///
    /// # Errors
    /// Something can't be built, is missing on this machine, or does not become ready: then everything is stopped again, and
    /// the error has the end of the log.
    pub fn up(&self, mode: Mode, port: Option<u16>, forwarder: &[String]) -> anyhow::Result<()> {
        let _lock = self.lock()?;
        if let Some(record) = self.record()? {
            ensure!(record.mode == mode, "another kind of cluster is in {}: take it down first", self.dir.display());
            let machine = self.machine();
            if mode == Mode::ControlPlane || machine.is_some() {
                return self.start_all(&record, machine, forwarder);
            }
            // Its namespaces are gone, and with them what was in them.
            self.remove()?;
        }
        let outcome = self.begin(mode, port, forwarder);
        if outcome.is_err() {
            self.kill_all()?;
        }
        outcome
    }

    fn begin(&self, mode: Mode, port: Option<u16>, forwarder: &[String]) -> anyhow::Result<()> {
        let ports = Ports::choose(mode, port)?;
        if mode == Mode::Full {
            let missing = requirements::missing();
            ensure!(missing.is_empty(), "a node can't run here: {}", missing.join("; "));
        }
        programs::build(mode)?;
        std::fs::create_dir_all(self.dir.join(FILES))?;
        pki::write(&self.dir.join(FILES), &self.kubeconfig(), ports.api)?;
        let record = Record { mode, ports };
        std::fs::write(self.dir.join(RECORD), serde_json::to_vec_pretty(&record)?)?;
        let machine = match mode {
            Mode::ControlPlane => None,
            Mode::Full => {
                self.stack.launch(vec![machine::prepare(&self.dir)?])?;
                Some(self.machine().context("the cluster's namespaces are gone")?)
            }
        };
        self.start_all(&record, machine, forwarder)
    }

    fn start_all(&self, record: &Record, machine: Option<u32>, forwarder: &[String]) -> anyhow::Result<()> {
        let site = Site { dir: &self.dir, ports: record.ports, machine };
        let mut first = control_plane::store_and_api(&site)?;
        if machine.is_some() {
            first.extend(node::runtime(&site)?);
        }
        self.stack.launch(first)?;
        let mut second = control_plane::controllers(&site)?;
        if let Some(machine) = machine {
            second.extend(node::kubelet_and_proxy(&site)?);
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, record.ports.api));
            second.push(self.forward_process(FORWARD, machine, forwarder, address, address));
            image::import(machine, &image::own()?)?;
        }
        self.stack.launch(second)?;
        if machine.is_some() {
            addons::apply(&site)?;
        }
        Ok(())
    }

    /// Makes an address of this machine lead to one that the cluster's network knows, such as a Service's.
    ///
    /// # Errors
    /// There is no full cluster, or the address is taken.
    pub fn forward(&self, name: &str, forwarder: &[String], from: SocketAddr, to: SocketAddr) -> anyhow::Result<()> {
        let machine = self.machine().context("there is no cluster with a network of its own")?;
        let name = format!("{FORWARD}-{name}");
        if self.stack.process(&name).is_ok() {
            self.stack.kill(&name)?;
        }
        self.stack.launch(vec![self.forward_process(&name, machine, forwarder, from, to)])
    }

    fn forward_process(
        &self,
        name: &str,
        machine: u32,
        forwarder: &[String],
        from: SocketAddr,
        to: SocketAddr,
    ) -> Process {
        let mut command = forwarder.to_vec();
        command.extend([machine.to_string(), format!("{from}={to}")]);
        Process::new(&self.dir, name, from, command, Probe::Tcp { address: from })
    }

    /// Ends everything and removes all of it. A folder without a cluster is left as it is.
    ///
    /// # Errors
    /// Something can't be ended or removed.
    pub fn down(&self) -> anyhow::Result<()> {
        let lock = self.lock()?;
        let outcome = self.remove();
        drop(lock);
        let _ = std::fs::remove_file(self.dir.join(LOCK));
        // Not when there is something else in it.
        let _ = std::fs::remove_dir(&self.dir);
        outcome
    }

    fn remove(&self) -> anyhow::Result<()> {
        self.kill_all()?;
        machine::clear(&self.dir)?;
        self.stack.wipe()?;
        std::fs::create_dir_all(&self.dir)?;
        for file in [RECORD, KUBECONFIG] {
            let _ = std::fs::remove_file(self.dir.join(file));
        }
        match std::fs::remove_dir_all(self.dir.join(FILES)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn kill_all(&self) -> anyhow::Result<()> {
        if let Some(first) = self.machine() {
            self.stack.kill(machine::NAME)?;
            machine::await_end(first)?;
        }
        self.stack.status()?.iter().try_for_each(|process| self.stack.kill(&process.name))
    }

    /// Makes [`Self::up`] fail soon.
    pub fn interrupt(&self) {
        self.stack.interrupt();
    }

    /// # Errors
    /// A record can't be read.
    pub fn status(&self) -> anyhow::Result<Status> {
        let record = self.record()?;
        let processes = self.stack.status()?;
        let full = record.as_ref().is_some_and(|record| record.mode == Mode::Full);
        Ok(Status {
            up: record.is_some() && processes.iter().all(|process| process.up),
            kubeconfig: self.kubeconfig(),
            api_server: record.as_ref().map(|record| format!("https://127.0.0.1:{}", record.ports.api)),
            node_address: full.then_some(NODE_ADDRESS),
            enter: self.machine().map(machine::enter_network).unwrap_or_default(),
            mode: record.map(|record| record.mode),
            processes,
        })
    }

    /// `kubectl` as the cluster's administrator.
    ///
    /// # Errors
    /// It can't be built.
    pub fn kubectl(&self) -> anyhow::Result<Command> {
        let mut command = Command::new(programs::KUBECTL.path()?);
        command.arg("--kubeconfig").arg(self.kubeconfig());
        command.arg("--cache-dir").arg(self.dir.join(FILES).join("kubectl"));
        Ok(command)
    }

    /// A command that runs in the cluster's network, where Services' addresses lead to pods and pods reach what listens on
    /// [`NODE_ADDRESS`].
    ///
    /// # Errors
    /// There is no full cluster.
    pub fn command_inside(&self, program: impl AsRef<std::ffi::OsStr>) -> anyhow::Result<Command> {
        let machine = self.machine().context("there is no cluster with a network of its own")?;
        let enter = machine::enter_network(machine);
        let mut command = Command::new(&enter[0]);
        command.args(&enter[1..]).arg(program);
        Ok(command)
    }

    /// Gives images to the node: archives as `docker save` and `buildah push … docker-archive:` or `oci-archive:` write them.
    /// Pods find them by the names in there, with `imagePullPolicy: IfNotPresent` or `Never`.
    ///
    /// # Errors
    /// There is no full cluster, or containerd refuses one.
    pub fn load_images(&self, archives: &[PathBuf]) -> anyhow::Result<()> {
        image::import(self.machine().context("there is no cluster that runs pods")?, archives)
    }

    /// Gives an image that the node has another name.
    ///
    /// # Errors
    /// There is no such image.
    pub fn name_image(&self, image: &str, name: &str) -> anyhow::Result<()> {
        image::name(self.machine().context("there is no cluster that runs pods")?, image, name)
    }

    /// What is known of one process: `kube-apiserver`, `kubelet` and so on.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn process(&self, name: &str) -> anyhow::Result<Process> {
        self.stack.process(name)
    }

    /// Kills a process with SIGKILL.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn kill(&self, name: &str) -> anyhow::Result<()> {
        self.stack.kill(name)
    }

    /// Starts again what was killed, and waits until it is ready.
    ///
    /// # Errors
    /// There is none of that name, or it does not become ready.
    pub fn start(&self, name: &str) -> anyhow::Result<()> {
        self.stack.start(&[name])
    }

    /// The first process of the namespaces.
    fn machine(&self) -> Option<u32> {
        let process = self.stack.process(machine::NAME).ok()?;
        machine::first_process(&process)
    }

    fn record(&self) -> anyhow::Result<Option<Record>> {
        let path = self.dir.join(RECORD);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| path.display().to_string()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| path.display().to_string()),
        }
    }

    /// Held while it is started or ended: by one program at a time.
    fn lock(&self) -> anyhow::Result<File> {
        let file = File::create(self.dir.join(LOCK))?;
        file.lock()?;
        Ok(file)
    }
}

/// Ports of 127.0.0.1 that were free just now.
fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    // Held until all are chosen, so that none is chosen twice.
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
