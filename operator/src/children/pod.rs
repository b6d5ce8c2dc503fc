//! What all pods have in common: no rights, no root, no writable disk, spread over zones.

use serde_json::{Value, json};

use super::container::Container;
use super::meta::{labels, match_labels, metadata, pod_labels};
use super::{CONFIG_HASH, Child, Component, Concern};
use crate::api::{ChatCluster, Pod};

/// User and group of every process.
pub(super) const USER: i64 = 65_532;

/// A pod of one container.
pub(super) struct Template<'a> {
    pub component: Component,
    pub pod: &'a Pod,
    pub container: Container,
    pub volumes: Vec<Value>,
    /// Seconds from SIGTERM, or the hook before it, to SIGKILL.
    pub grace_seconds: i64,
    pub config_hash: String,
    /// `None`: Always, as workloads want it.
    pub restart_policy: Option<&'static str>,
}

impl Template<'_> {
    pub fn build(self, cluster: &ChatCluster) -> Value {
        let Self { component, pod, container, mut volumes, grace_seconds, config_hash, restart_policy } = self;
        let mut annotations = pod.annotations.clone();
        annotations.insert(CONFIG_HASH.to_owned(), config_hash);
        annotations.insert("kubectl.kubernetes.io/default-container".to_owned(), container.name.to_owned());
        volumes.push(json!({"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}));
        let spread =
            pod.topology_spread_constraints.as_ref().map_or_else(|| spread(cluster, component), |given| json!(given));
        json!({
            "metadata": {"labels": pod_labels(cluster, component, pod), "annotations": annotations},
            "spec": {
                "serviceAccountName": component.object_name(cluster),
                "automountServiceAccountToken": false,
                "enableServiceLinks": false,
                "securityContext": {
                    "runAsNonRoot": true,
                    "runAsUser": USER,
                    "runAsGroup": USER,
                    "fsGroup": USER,
                    "fsGroupChangePolicy": "OnRootMismatch",
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "imagePullSecrets": cluster.spec.image.pull_secrets,
                "restartPolicy": restart_policy,
                "terminationGracePeriodSeconds": grace_seconds,
                "containers": [container.build(cluster)],
                "volumes": volumes,
                "nodeSelector": pod.node_selector,
                "affinity": pod.affinity,
                "tolerations": pod.tolerations,
                "topologySpreadConstraints": spread,
                "priorityClassName": pod.priority_class_name,
            },
        })
    }
}

/// Evenly over zones and nodes, as far as that goes: a pod that waits for a zone serves nobody.
fn spread(cluster: &ChatCluster, component: Component) -> Value {
    if component == Component::Migrate {
        return Value::Null;
    }
    let over = |key: &str| {
        json!({
            "maxSkew": 1,
            "topologyKey": key,
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": match_labels(cluster, component)},
        })
    };
    json!([over("topology.kubernetes.io/zone"), over("kubernetes.io/hostname")])
}

/// One for each component, without a token: pods don't talk to Kubernetes.
pub(super) fn service_accounts(cluster: &ChatCluster) -> Vec<Child> {
    components(cluster)
        .into_iter()
        .map(|(component, concern, pod)| {
            let mut meta = metadata(cluster, Some(component), &component.object_name(cluster));
            meta["labels"] = json!(labels(cluster, Some(component)));
            meta["annotations"] = json!(pod.service_account_annotations);
            Child::new(
                concern,
                json!({
                    "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta,
                    "automountServiceAccountToken": false,
                }),
            )
        })
        .collect()
}

/// The components that a cluster has, with what is said of their pods.
pub(super) fn components(cluster: &ChatCluster) -> Vec<(Component, Concern, Pod)> {
    let spec = &cluster.spec;
    if !spec.is_distributed() {
        let pod = spec.embedded.as_ref().map(|embedded| embedded.pod.clone()).unwrap_or_default();
        return vec![(Component::Gateway, Concern::Gateways, pod)];
    }
    let mut components = Vec::new();
    if spec.migration.clone().unwrap_or_default().enabled {
        // It goes where gateways go.
        components.push((Component::Migrate, Concern::Migration, spec.gateways().pod));
    }
    components.push((Component::Gateway, Concern::Gateways, spec.gateways().pod));
    components.push((Component::Writer, Concern::Writers, spec.writers().pod));
    if spec.web().enabled {
        components.push((Component::Web, Concern::Web, spec.web().pod));
    }
    components
}
