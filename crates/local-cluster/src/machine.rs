//! The namespaces of a full cluster, and what the machine outside of them sees.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::fs::FlockOperation;
use stack::template::render;
use stack::{Probe, Process};

use crate::{FILES, cgroups};

pub const NODE_NAME: &str = "local";
/// The node in its network: pods reach there what listens on it or on 0.0.0.0. The two addresses after it are the node's too,
/// for servers that need one each.
pub const NODE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 245, 0, 1);
pub(crate) const POD_NETWORK: &str = "10.244.0.0/16";
pub(crate) const SERVICE_NETWORK: &str = "10.96.0.0/16";
pub(crate) const SERVICE_API: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 1);
pub(crate) const SERVICE_DNS: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

/// The process that holds them.
pub(crate) const NAME: &str = "machine";
const SCRIPT: &str = "machine.sh";
/// Folders that programs write to wherever one tells them to keep their things. In the namespaces others lie over them; here
/// they must be there, and are empty.
const COVERED: [&str; 3] = ["/var/lib/kubelet", "/var/lib/cni", "/var/log/containers"];

/// The process that makes the namespaces. When it ends, the kernel ends everything in them.
pub(crate) fn prepare(dir: &Path) -> anyhow::Result<Process> {
    let folder = dir.join(NAME);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    for covered in COVERED {
        std::fs::create_dir_all(covered)?;
        std::fs::create_dir_all(replacement(dir, covered))?;
    }
    cgroups::create(&cgroup(dir))?;
    let covers =
        COVERED.map(|covered| format!("cover '{}' '{covered}'", replacement(dir, covered).display())).join("\n");
    let script = render(
        include_str!("../templates/machine.sh"),
        &[("covers", &covers), ("address", &NODE_ADDRESS.to_string()), ("services", SERVICE_NETWORK)],
    )?;
    std::fs::write(folder.join(SCRIPT), script)?;
    let namespaces = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc", "--"];
    let mut command: Vec<String> = namespaces.map(str::to_owned).to_vec();
    command.extend(["sh", "-eu", SCRIPT].map(str::to_owned));
    let made = folder.join("made").display().to_string();
    let probe = Probe::Command { command: ["test", "-e", &made].map(str::to_owned).to_vec() };
    let mut process = Process::new(dir, NAME, (NODE_ADDRESS, 0).into(), command, probe);
    process.elsewhere = true;
    process.env.insert("PATH".to_owned(), "/usr/sbin:/usr/bin:/sbin:/bin".to_owned());
    Ok(process)
}

fn replacement(dir: &Path, covered: &str) -> PathBuf {
    dir.join(FILES).join("covers").join(covered.trim_start_matches('/').replace('/', "-"))
}

/// The node's part of each control group hierarchy.
pub(crate) fn cgroup(dir: &Path) -> String {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hash = DefaultHasher::new();
    dir.hash(&mut hash);
    format!("elastic-chat-{:08x}", hash.finish() & 0xffff_ffff)
}

/// The first process in the namespaces, as this machine numbers it; `None` when it is gone.
pub(crate) fn first_process(process: &Process) -> Option<u32> {
    let pid = process.pid.filter(|_| process.alive())?;
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Once it is gone, so is everything that was in there.
pub(crate) fn await_end(first: u32) -> anyhow::Result<()> {
    let begin = Instant::now();
    let gone = || match std::fs::read_to_string(format!("/proc/{first}/stat")) {
        Ok(stat) => stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')),
        Err(_) => true,
    };
    while !gone() {
        ensure!(begin.elapsed() < Duration::from_secs(20), "the cluster's processes do not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// What a command is put behind to run in there, in that folder.
pub(crate) fn enter(first: u32, cwd: &Path) -> Vec<String> {
    let (target, cwd) = (first.to_string(), cwd.display().to_string());
    // Outside of the namespaces a process is known by its folder, and that is `nsenter`. The folder that it had before it
    // entered is none in there: the command goes to its own.
    let (outside, inside) = (format!("--wd={cwd}"), "cd \"$0\" && exec \"$@\"");
    ["nsenter", "--target", &target, "--net", "--mount", "--pid", &outside, "--", "sh", "-c", inside, &cwd]
        .map(str::to_owned)
        .to_vec()
}

/// As [`enter`], for a command that only wants the network. Not `ip netns exec`: that covers /sys, and with it the control
/// groups.
pub(crate) fn enter_network(first: u32) -> Vec<String> {
    ["nsenter", "--target", &first.to_string(), "--net", "--"].map(str::to_owned).to_vec()
}

/// Takes away what was made outside of the namespaces.
pub(crate) fn clear(dir: &Path) -> anyhow::Result<()> {
    cgroups::remove(&cgroup(dir))?;
    for covered in COVERED {
        // Each cluster holds a shared lock: to remove the folder would take away what another one has laid over it.
        let Ok(folder) = std::fs::File::open(covered) else { continue };
        if rustix::fs::flock(&folder, FlockOperation::NonBlockingLockExclusive).is_ok() {
            match std::fs::remove_dir(covered) {
                // Not ours then.
                Err(error) if error.kind() == std::io::ErrorKind::DirectoryNotEmpty => {}
                removed => removed.context(covered)?,
            }
        }
    }
    Ok(())
}
