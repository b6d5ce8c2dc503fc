//! containerd, the kubelet and kube-proxy: the node.

use stack::template::render;
use stack::{Probe, Process};

use crate::control_plane::command;
use crate::machine::{NODE_ADDRESS, NODE_NAME, POD_NETWORK, SERVICE_DNS, cgroup};
use crate::programs::{KUBELET, PROXY};
use crate::requirements::PLUGINS;
use crate::site::Site;
use crate::{image, machine};

/// In the cluster's own /run.
pub(crate) const CONTAINERD: &str = "/run/containerd/containerd.sock";
/// A folder of the cluster's files.
pub(crate) const POD_LOGS: &str = "pod-logs";
const KUBELET_PORT: u16 = 10_250;

pub(crate) fn runtime(site: &Site<'_>) -> anyhow::Result<Vec<Process>> {
    let folder = site.dir.join("containerd");
    std::fs::create_dir_all(&folder)?;
    write(
        site,
        "containerd.toml",
        include_str!("../templates/containerd.toml"),
        &[
            ("root", &folder.join("root").display().to_string()),
            ("socket", CONTAINERD),
            ("pause", image::PAUSE),
            ("plugins", PLUGINS),
            ("networks", &site.file("networks")),
            ("snapshotter", snapshotter(&folder)),
        ],
    )?;
    std::fs::create_dir_all(site.files().join("networks"))?;
    write(site, "networks/pods.conflist", include_str!("../templates/pods.conflist"), &[("pods", POD_NETWORK)])?;
    let Some(machine) = site.machine else { return Ok(Vec::new()) };
    let asks = [machine::enter(machine, &folder), ctr(&["--timeout=3s", "version"])].concat();
    let command = ["containerd", "--config", &site.file("containerd.toml")].map(str::to_owned).to_vec();
    Ok(vec![site.process("containerd", 0, command, Probe::Command { command: asks })])
}

/// containerd's client.
pub(crate) fn ctr(args: &[&str]) -> Vec<String> {
    ["ctr", "--address", CONTAINERD, "--namespace", "k8s.io"].iter().chain(args).map(|&arg| arg.to_owned()).collect()
}

/// Overlays can't lie on an overlay, as in a container. Copies always work, and take longer.
fn snapshotter(folder: &std::path::Path) -> &'static str {
    let tries = "mkdir -p l u w m && mount -t overlay overlay -o lowerdir=l,upperdir=u,workdir=w m";
    let mut attempt = std::process::Command::new("unshare");
    attempt.args(["--mount", "sh", "-c", tries]).current_dir(folder);
    let works = stack::cache::run(&mut attempt).is_ok();
    for name in ["l", "u", "w", "m"] {
        let _ = std::fs::remove_dir_all(folder.join(name));
    }
    if works { "overlayfs" } else { "native" }
}

pub(crate) fn kubelet_and_proxy(site: &Site<'_>) -> anyhow::Result<Vec<Process>> {
    write(
        site,
        "kubelet.yaml",
        include_str!("../templates/kubelet.yaml"),
        &[
            ("containerd", CONTAINERD),
            ("cgroup", &cgroup(site.dir)),
            ("dns", &SERVICE_DNS.to_string()),
            ("logs", &site.file(POD_LOGS)),
            ("plugins", &site.file("volume-plugins")),
            ("ca", &site.file("ca.crt")),
        ],
    )?;
    write(
        site,
        "kube-proxy.yaml",
        include_str!("../templates/kube-proxy.yaml"),
        &[("node", NODE_NAME), ("pods", POD_NETWORK), ("kubeconfig", &site.file("kube-proxy.kubeconfig"))],
    )?;
    let flags = [
        ("config", site.file("kubelet.yaml")),
        ("kubeconfig", site.file("kubelet.kubeconfig")),
        ("hostname-override", NODE_NAME.to_owned()),
        ("node-ip", NODE_ADDRESS.to_string()),
    ];
    let flags = flags.each_ref().map(|(name, value)| (*name, value.as_str()));
    let node = format!("node/{NODE_NAME}");
    let ready = site.ready_when(&["wait", "--for=condition=Ready", &node, "--timeout=1s"])?;
    let kubelet = site.process("kubelet", KUBELET_PORT, command(&KUBELET.path()?, &flags), ready);
    let config = site.file("kube-proxy.yaml");
    let proxy = command(&PROXY.path()?, &[("config", &config)]);
    // That it works, DNS shows: it reaches the API server by its Service.
    let proxy = site.process("kube-proxy", 0, proxy, Probe::Command { command: vec!["true".to_owned()] });
    Ok(vec![kubelet, proxy])
}

fn write(site: &Site<'_>, name: &str, template: &str, values: &[(&str, &str)]) -> anyhow::Result<()> {
    Ok(std::fs::write(site.files().join(name), render(template, values)?)?)
}
