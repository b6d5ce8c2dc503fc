//! etcd, the API server, the controller manager and the scheduler.

use stack::{Probe, Process};

use crate::machine::SERVICE_NETWORK;
use crate::programs::{API_SERVER, CONTROLLER_MANAGER, ETCD, SCHEDULER};
use crate::site::{Site, local};

pub(crate) fn store_and_api(site: &Site<'_>) -> anyhow::Result<Vec<Process>> {
    Ok(vec![etcd(site)?, api_server(site)?])
}

pub(crate) fn controllers(site: &Site<'_>) -> anyhow::Result<Vec<Process>> {
    Ok(vec![controller_manager(site)?, scheduler(site)?])
}

/// Program and flags.
pub(crate) fn command(program: &std::path::Path, flags: &[(&str, &str)]) -> Vec<String> {
    let mut command = vec![program.display().to_string()];
    command.extend(flags.iter().map(|(name, value)| format!("--{name}={value}")));
    command
}

fn etcd(site: &Site<'_>) -> anyhow::Result<Process> {
    let clients = format!("http://{}", local(site.ports.etcd));
    let peers = format!("http://{}", local(site.ports.etcd_peers));
    let flags = [
        ("name", "etcd"),
        ("data-dir", "data"),
        ("listen-client-urls", &clients),
        ("advertise-client-urls", &clients),
        ("listen-peer-urls", &peers),
        ("initial-advertise-peer-urls", &peers),
        ("initial-cluster", &format!("etcd={peers}")),
        // A cluster that is thrown away survives a killed process, and need not survive the machine.
        ("unsafe-no-fsync", "true"),
        ("log-level", "warn"),
    ];
    let probe = match site.machine {
        None => Probe::Http { address: local(site.ports.etcd), path: "/health".to_owned() },
        // Not to be asked from here; but the API server is ready only when it is.
        Some(_) => Probe::Command { command: vec!["true".to_owned()] },
    };
    let mut process = site.process("etcd", site.ports.etcd, command(&ETCD.path()?, &flags), probe);
    process.listens = vec![local(site.ports.etcd_peers)];
    Ok(process)
}

fn api_server(site: &Site<'_>) -> anyhow::Result<Process> {
    let etcd = format!("http://{}", local(site.ports.etcd));
    let (port, address) = (site.ports.api.to_string(), site.address().to_string());
    // Endpoints may not be loopback addresses; and without a node nobody looks for the API server in there.
    let (bind, endpoints) = if site.machine.is_some() { ("0.0.0.0", "lease") } else { ("127.0.0.1", "none") };
    let flags = [
        ("etcd-servers", etcd.as_str()),
        ("bind-address", bind),
        ("secure-port", &port),
        ("advertise-address", &address),
        ("endpoint-reconciler-type", endpoints),
        ("tls-cert-file", &site.file("apiserver.crt")),
        ("tls-private-key-file", &site.file("apiserver.key")),
        ("client-ca-file", &site.file("ca.crt")),
        ("authorization-mode", "Node,RBAC"),
        ("enable-admission-plugins", "NodeRestriction"),
        ("allow-privileged", "true"),
        ("kubelet-client-certificate", &site.file("kubelet-client.crt")),
        ("kubelet-client-key", &site.file("kubelet-client.key")),
        ("kubelet-preferred-address-types", "InternalIP"),
        ("service-cluster-ip-range", SERVICE_NETWORK),
        ("service-account-issuer", "https://kubernetes.default.svc.cluster.local"),
        ("service-account-key-file", &site.file("service-accounts.pub")),
        ("service-account-signing-key-file", &site.file("service-accounts.key")),
        // A test that lists and watches much is one user, and would be held back in favour of nobody.
        ("max-requests-inflight", "800"),
    ];
    let probe = site.ready_when(&["get", "--raw", "/readyz", "--request-timeout=2s"])?;
    Ok(site.process("kube-apiserver", site.ports.api, command(&API_SERVER.path()?, &flags), probe))
}

fn controller_manager(site: &Site<'_>) -> anyhow::Result<Process> {
    let flags = [
        ("kubeconfig", site.file("kube-controller-manager.kubeconfig")),
        ("secure-port", "0".to_owned()),
        ("leader-elect", "false".to_owned()),
        // Its own limit of 20 a second would take 4 s of every start.
        ("kube-api-qps", "200".to_owned()),
        ("kube-api-burst", "400".to_owned()),
        // A claim that misses its volume at first would wait 15 s for the next look.
        ("pvclaimbinder-sync-period", "1s".to_owned()),
        ("use-service-account-credentials", "true".to_owned()),
        ("root-ca-file", site.file("ca.crt")),
        ("service-account-private-key-file", site.file("service-accounts.key")),
        ("cluster-signing-cert-file", site.file("ca.crt")),
        ("cluster-signing-key-file", site.file("ca.key")),
    ];
    let flags = flags.each_ref().map(|(name, value)| (*name, value.as_str()));
    // It makes that account; without it no pod is accepted.
    let probe = site.ready_when(&["get", "serviceaccount", "default", "--request-timeout=2s"])?;
    let command = command(&CONTROLLER_MANAGER.path()?, &flags);
    Ok(listening_nowhere(site.process("kube-controller-manager", 0, command, probe)))
}

fn scheduler(site: &Site<'_>) -> anyhow::Result<Process> {
    let kubeconfig = site.file("kube-scheduler.kubeconfig");
    let flags = [("kubeconfig", kubeconfig.as_str()), ("secure-port", "0"), ("leader-elect", "false")];
    let probe = Probe::Command { command: vec!["true".to_owned()] };
    Ok(listening_nowhere(site.process("kube-scheduler", 0, command(&SCHEDULER.path()?, &flags), probe)))
}

fn listening_nowhere(process: Process) -> Process {
    Process { elsewhere: true, ..process }
}
