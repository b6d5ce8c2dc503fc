//! What a node needs of the machine.

use std::path::Path;
use std::process::Command;

use stack::cache::run;

/// Where Debian puts the network plugins.
pub(crate) const PLUGINS: &str = "/usr/lib/cni";

/// What is not there, as sentences; empty when a full cluster can run here.
pub fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("it takes root".to_owned());
        return missing;
    }
    let programs = ["containerd", "ctr", "runc", "iptables", "ip", "nsenter", "unshare", "flock", "openssl", "tar"];
    let absent: Vec<&str> = programs.into_iter().filter(|name| !on_path(name)).collect();
    if !absent.is_empty() {
        missing
            .push(format!("no {} (Debian: containerd runc iptables iproute2 util-linux openssl)", absent.join(", ")));
    }
    if !Path::new(PLUGINS).join("bridge").exists() {
        missing.push(format!("no network plugins in {PLUGINS} (Debian: containernetworking-plugins)"));
    }
    if !Path::new("/sys/fs/cgroup").exists() {
        missing.push("no control groups in /sys/fs/cgroup".to_owned());
    }
    let mut namespaces = Command::new("unshare");
    namespaces.args([
        "--net",
        "--mount",
        "--pid",
        "--fork",
        "--mount-proc",
        "ip",
        "link",
        "add",
        "n0",
        "type",
        "bridge",
    ]);
    if let Err(error) = run(&mut namespaces) {
        missing.push(format!("namespaces and bridges are not allowed: {error:#}"));
    }
    missing
}

fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(Into::into));
    folders.map(|folder| folder.join(name)).any(|file| file.is_file())
}
