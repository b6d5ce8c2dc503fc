//! Names, labels and owners.

use std::collections::BTreeMap;

use kube::{Resource as _, ResourceExt as _};
use serde_json::{Value, json};

use crate::api::{ChatCluster, Pod};

/// A part of a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Component {
    /// A chat node: of a distributed cluster, or the embedded one.
    Gateway,
    Writer,
    Web,
    Migrate,
}

impl Component {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Writer => "writer",
            Self::Web => "web",
            Self::Migrate => "migrate",
        }
    }

    /// The name of its objects: `CLUSTER-gateway`.
    pub fn object_name(self, cluster: &ChatCluster) -> String {
        format!("{}-{}", name(cluster), self.as_str())
    }
}

pub(super) fn name(cluster: &ChatCluster) -> String {
    cluster.name_any()
}

pub(super) fn namespace(cluster: &ChatCluster) -> String {
    cluster.namespace().unwrap_or_default()
}

/// What the pods of a component are found by. It never changes: a workload's selector can't.
pub(super) fn match_labels(cluster: &ChatCluster, component: Component) -> Value {
    json!({
        "app.kubernetes.io/name": "elastic-chat",
        "app.kubernetes.io/instance": name(cluster),
        "app.kubernetes.io/component": component.as_str(),
    })
}

/// The same as text, as the scale subresource and `kubectl --selector` take it.
pub fn selector(cluster: &ChatCluster, component: Component) -> String {
    format!(
        "app.kubernetes.io/name=elastic-chat,app.kubernetes.io/instance={},app.kubernetes.io/component={}",
        name(cluster),
        component.as_str()
    )
}

/// The labels of every object.
pub(super) fn labels(cluster: &ChatCluster, component: Option<Component>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::from(
        [
            ("app.kubernetes.io/name", "elastic-chat".to_owned()),
            ("app.kubernetes.io/instance", name(cluster)),
            ("app.kubernetes.io/managed-by", "elastic-chat-operator".to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    );
    if let Some(component) = component {
        labels.insert("app.kubernetes.io/component".to_owned(), component.as_str().to_owned());
    }
    labels
}

/// The labels of pods: the spec's, and the operator's over them.
pub(super) fn pod_labels(cluster: &ChatCluster, component: Component, pod: &Pod) -> BTreeMap<String, String> {
    let mut all = pod.labels.clone();
    all.extend(labels(cluster, Some(component)));
    all
}

/// `metadata` of an object with this name.
pub(super) fn metadata(cluster: &ChatCluster, component: Option<Component>, name: &str) -> Value {
    json!({
        "name": name,
        "namespace": cluster.namespace(),
        "labels": labels(cluster, component),
        "ownerReferences": [owner(cluster)],
    })
}

/// Deleting the cluster deletes the object. `blockOwnerDeletion` is left out: setting it takes a right on finalizers.
fn owner(cluster: &ChatCluster) -> Value {
    json!({
        "apiVersion": ChatCluster::api_version(&()),
        "kind": ChatCluster::kind(&()),
        "name": name(cluster),
        "uid": cluster.uid().unwrap_or_default(),
        "controller": true,
    })
}
