//! Where the processes of a cluster run, and how one gets there.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stack::{Probe, Process};

use crate::machine::{self, NODE_ADDRESS};
use crate::programs::KUBECTL;
use crate::{FILES, KUBECONFIG, Mode, free_ports};

/// Of the loopback address, each.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// The same inside and outside of the namespaces, so that one kubeconfig is right everywhere.
    pub api: u16,
    pub etcd: u16,
    pub etcd_peers: u16,
}

impl Ports {
    pub fn choose(mode: Mode, api: Option<u16>) -> anyhow::Result<Self> {
        let [free, etcd, etcd_peers] = free_ports()?;
        let api = api.unwrap_or(free);
        // In a network of its own there is nobody to share with.
        let (etcd, etcd_peers) = if mode == Mode::Full { (2379, 2380) } else { (etcd, etcd_peers) };
        Ok(Self { api, etcd, etcd_peers })
    }
}

/// The folder, the ports, and the first process of the namespaces when there are some.
pub(crate) struct Site<'a> {
    pub dir: &'a Path,
    pub ports: Ports,
    pub machine: Option<u32>,
}

impl Site<'_> {
    pub fn files(&self) -> PathBuf {
        self.dir.join(FILES)
    }

    /// A file of ours, as an argument.
    pub fn file(&self, name: &str) -> String {
        self.files().join(name).display().to_string()
    }

    /// Where the API server tells others that it is.
    pub fn address(&self) -> Ipv4Addr {
        if self.machine.is_some() { NODE_ADDRESS } else { Ipv4Addr::LOCALHOST }
    }

    /// A process of the cluster, in its namespaces when it has some.
    pub fn process(&self, name: &str, port: u16, command: Vec<String>, probe: Probe) -> Process {
        let mut process = Process::new(self.dir, name, local(port), command, probe);
        process.patience = 90;
        if let Some(machine) = self.machine {
            process.command = [machine::enter(machine, &process.cwd), process.command].concat();
            process.elsewhere = true;
            // As root has them: some of what is called is not on everybody's path.
            let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
            process.env.insert("PATH".to_owned(), path.to_owned());
        }
        process
    }

    /// `kubectl` in the cluster's network.
    pub fn kubectl(&self, args: &[&str]) -> anyhow::Result<Vec<String>> {
        let mut command = self.machine.map(machine::enter_network).unwrap_or_default();
        command.push(KUBECTL.path()?.display().to_string());
        let kubeconfig = self.dir.join(KUBECONFIG).display().to_string();
        command.extend(["--kubeconfig".to_owned(), kubeconfig, "--cache-dir".to_owned(), self.file("kubectl")]);
        command.extend(args.iter().map(|&arg| arg.to_owned()));
        Ok(command)
    }

    /// Ready when `kubectl` says so.
    pub fn ready_when(&self, args: &[&str]) -> anyhow::Result<Probe> {
        Ok(Probe::Command { command: self.kubectl(args)? })
    }
}

pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
