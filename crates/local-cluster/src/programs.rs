//! The programs, built once from pinned Go modules.

use stack::go_files;
use stack::golang::Program;

use crate::Mode;

/// As `go.mod` pins it. The kubelet and kubectl compare versions, and a build from a module has none by itself.
pub const KUBERNETES_VERSION: &str = "v1.34.4";
const VARIABLES: &[(&str, &str)] = &[
    ("k8s.io/component-base/version.gitVersion", KUBERNETES_VERSION),
    ("k8s.io/component-base/version.gitMajor", "1"),
    ("k8s.io/component-base/version.gitMinor", "34"),
    ("k8s.io/component-base/version.gitTreeState", "clean"),
    ("k8s.io/client-go/pkg/version.gitVersion", KUBERNETES_VERSION),
    ("k8s.io/client-go/pkg/version.gitMajor", "1"),
    ("k8s.io/client-go/pkg/version.gitMinor", "34"),
    ("k8s.io/client-go/pkg/version.gitTreeState", "clean"),
];

const KUBERNETES: &[(&str, &str)] = go_files!("../go/kubernetes", "tools.go");

const fn kubernetes(name: &'static str, package: &'static str) -> Program {
    Program { name, package, files: KUBERNETES, variables: VARIABLES }
}

pub(crate) const API_SERVER: Program = kubernetes("kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver");
pub(crate) const CONTROLLER_MANAGER: Program =
    kubernetes("kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager");
pub(crate) const SCHEDULER: Program = kubernetes("kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler");
pub(crate) const PROXY: Program = kubernetes("kube-proxy", "k8s.io/kubernetes/cmd/kube-proxy");
pub(crate) const KUBELET: Program = kubernetes("kubelet", "k8s.io/kubernetes/cmd/kubelet");
pub(crate) const KUBECTL: Program = kubernetes("kubectl", "k8s.io/kubernetes/cmd/kubectl");

pub(crate) const ETCD: Program = Program {
    name: "etcd",
    package: "go.etcd.io/etcd/server/v3",
    files: go_files!("../go/etcd", "tools.go"),
    variables: &[],
};

pub(crate) const COREDNS: Program =
    Program { name: "coredns", package: ".", files: go_files!("../go/coredns", "main.go"), variables: &[] };

pub(crate) const PAUSE: Program =
    Program { name: "pause", package: ".", files: go_files!("../go/pause", "main.go"), variables: &[] };

/// Builds what is not there: some ten minutes on two cores the first time.
pub(crate) fn build(mode: Mode) -> anyhow::Result<()> {
    let control_plane = [KUBECTL, ETCD, API_SERVER, CONTROLLER_MANAGER, SCHEDULER];
    let node = [KUBELET, PROXY, COREDNS, PAUSE];
    let node = node.iter().filter(|_| mode == Mode::Full);
    // One after another: the Go compiler takes all cores by itself.
    control_plane.iter().chain(node).try_for_each(|program| program.path().map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_module() {
        let (_, module) = KUBERNETES[0];
        assert!(module.contains(&format!("k8s.io/kubernetes {KUBERNETES_VERSION}\n")));
        let minor = KUBERNETES_VERSION.split('.').nth(1);
        assert!(VARIABLES.iter().filter(|(name, _)| name.ends_with("Minor")).all(|(_, value)| Some(*value) == minor));
    }
}
