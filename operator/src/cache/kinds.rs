//! The kinds of objects that a ChatCluster owns.

use kube::api::{ApiResource, GroupVersionKind};

#[derive(Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChildKind {
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
    /// Part of Kubernetes itself. The others are watched only where they are installed.
    pub built_in: bool,
    /// Its status is looked at.
    pub status: bool,
}

const fn core(name: &'static str, plural: &'static str) -> ChildKind {
    ChildKind { group: "", version: "v1", name, plural, built_in: true, status: false }
}

const fn of(group: &'static str, name: &'static str, plural: &'static str, status: bool) -> ChildKind {
    ChildKind { group, version: "v1", name, plural, built_in: true, status }
}

pub static DEPLOYMENT: ChildKind = of("apps", "Deployment", "deployments", true);
pub static STATEFUL_SET: ChildKind = of("apps", "StatefulSet", "statefulsets", true);
pub static JOB: ChildKind = of("batch", "Job", "jobs", true);
pub static SERVICE: ChildKind = core("Service", "services");
pub static SERVICE_ACCOUNT: ChildKind = core("ServiceAccount", "serviceaccounts");
pub static CONFIG_MAP: ChildKind = core("ConfigMap", "configmaps");
pub static BUDGET: ChildKind = of("policy", "PodDisruptionBudget", "poddisruptionbudgets", false);
pub static NETWORK_POLICY: ChildKind = of("networking.k8s.io", "NetworkPolicy", "networkpolicies", false);
pub static INGRESS: ChildKind = of("networking.k8s.io", "Ingress", "ingresses", false);
pub static HTTP_ROUTE: ChildKind = ChildKind {
    group: "gateway.networking.k8s.io",
    version: "v1",
    name: "HTTPRoute",
    plural: "httproutes",
    built_in: false,
    status: false,
};
pub static POD_MONITOR: ChildKind = ChildKind {
    group: "monitoring.coreos.com",
    version: "v1",
    name: "PodMonitor",
    plural: "podmonitors",
    built_in: false,
    status: false,
};

pub static ALL: [&ChildKind; 11] = [
    &DEPLOYMENT,
    &STATEFUL_SET,
    &JOB,
    &SERVICE,
    &SERVICE_ACCOUNT,
    &CONFIG_MAP,
    &BUDGET,
    &NETWORK_POLICY,
    &INGRESS,
    &HTTP_ROUTE,
    &POD_MONITOR,
];

pub fn named(name: &str) -> Option<&'static ChildKind> {
    ALL.into_iter().find(|kind| kind.name == name)
}

impl ChildKind {
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_owned() } else { format!("{}/{}", self.group, self.version) }
    }

    pub fn resource(&self) -> ApiResource {
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(self.group, self.version, self.name), self.plural)
    }
}
