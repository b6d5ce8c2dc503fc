//! A container that may do nothing but its work.

use serde_json::{Value, json};

use super::backends::Started;
use super::{ADMIN_PORT, CLIENTS_PORT, PRE_STOP_SECONDS};
use crate::api::ChatCluster;

/// How the kubelet finds out how it is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Probes {
    /// `/livez` and `/readyz` of the admin port.
    Admin,
    /// One path of the clients' port.
    Clients(&'static str),
    None,
}

pub(super) struct Container {
    pub name: &'static str,
    pub image: String,
    pub started: Started,
    pub resources: Value,
    pub mounts: Vec<Value>,
    /// Serves clients, and so is waited for before it is told to end.
    pub serves: bool,
    pub probes: Probes,
}

impl Container {
    pub fn build(self, cluster: &ChatCluster) -> Value {
        let Self { name, image, started, resources, mut mounts, serves, probes } = self;
        mounts.push(json!({"name": "tmp", "mountPath": "/tmp"}));
        let mut ports = Vec::new();
        if serves || matches!(probes, Probes::Clients(_)) {
            ports.push(json!({"name": "clients", "containerPort": CLIENTS_PORT, "protocol": "TCP"}));
        }
        if matches!(probes, Probes::Admin) {
            ports.push(json!({"name": "admin", "containerPort": ADMIN_PORT, "protocol": "TCP"}));
        }
        let pre_stop = serves.then(|| json!({"preStop": {"sleep": {"seconds": PRE_STOP_SECONDS}}}));
        let mut container = json!({
            "name": name,
            "image": image,
            "imagePullPolicy": cluster.spec.image.pull_policy.as_str(),
            "args": started.args,
            "env": started.env,
            "ports": ports,
            "resources": resources,
            "volumeMounts": mounts,
            "lifecycle": pre_stop,
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "runAsNonRoot": true,
                "capabilities": {"drop": ["ALL"]},
            },
            "terminationMessagePolicy": "FallbackToLogsOnError",
        });
        probes.add(&mut container);
        container
    }
}

impl Probes {
    fn add(self, container: &mut Value) {
        let (live, ready, port) = match self {
            Self::Admin => ("/livez", "/readyz", "admin"),
            Self::Clients(path) => (path, path, "clients"),
            Self::None => return,
        };
        let probe = |path: &str, period: u32, timeout: u32, failures: u32| {
            json!({
                "httpGet": {"path": path, "port": port},
                "periodSeconds": period, "timeoutSeconds": timeout, "failureThreshold": failures,
            })
        };
        // A new pod is needed now: it is asked every second until it answers.
        container["startupProbe"] = probe(live, 1, 2, 60);
        container["livenessProbe"] = probe(live, 10, 5, 3);
        // Longer than the check of the backends behind it may take.
        container["readinessProbe"] = probe(ready, 2, 4, 2);
    }
}
