//! The node that is a whole chat by itself.

use serde_json::json;

use super::container::{Container, Probes};
use super::hash::short_hash;
use super::meta::{match_labels, metadata};
use super::pod::Template;
use super::resources::{Defaults, resources};
use super::services::HEADLESS;
use super::{Child, Component, Concern, Context, gateway, secrets};
use crate::api::ChatCluster;

/// Clients can't go anywhere else, so they are not asked to over a long time.
const DRAIN_SECONDS: u32 = 5;
const GRACE_SECONDS: i64 = 30;

/// One pod with a volume. A second process on the same data refuses to start, so there is never a second pod: a
/// StatefulSet ends the old one first.
pub(super) fn stateful_set(cluster: &ChatCluster, context: &Context) -> Child {
    let spec = cluster.spec.embedded.clone().unwrap_or_default();
    let mut started = gateway::started(cluster, DRAIN_SECONDS);
    started.field("POD_NAME", "metadata.name");
    started.arg("node-id", "$(POD_NAME)");
    started.arg("data-dir", "/data/chat");
    let uses = secrets::uses(cluster, Component::Gateway);
    let (volume, mount) = secrets::volume(&uses);
    let defaults = Defaults { cpu: "100m", memory: "128Mi".to_owned(), memory_limit: "1Gi".to_owned() };
    let name = Component::Gateway.object_name(cluster);
    let template = Template {
        component: Component::Gateway,
        pod: &spec.pod,
        container: Container {
            name: "chat-node",
            image: cluster.spec.image.of("chat-node", &context.version),
            started,
            resources: resources(&spec.resources, &defaults),
            mounts: mount.into_iter().chain([json!({"name": "data", "mountPath": "/data"})]).collect(),
            serves: true,
            probes: Probes::Admin,
        },
        volumes: volume.into_iter().collect(),
        grace_seconds: GRACE_SECONDS,
        config_hash: short_hash(&secrets::hashes(&uses, context)),
        restart_policy: None,
    };
    let storage = &spec.storage;
    Child::new(
        Concern::Gateways,
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": metadata(cluster, Some(Component::Gateway), &name),
            "spec": {
                "replicas": 1,
                "serviceName": format!("{name}{HEADLESS}"),
                "selector": {"matchLabels": match_labels(cluster, Component::Gateway)},
                "revisionHistoryLimit": 3,
                "template": template.build(cluster),
                "persistentVolumeClaimRetentionPolicy": {
                    "whenDeleted": storage.when_deleted.as_str(), "whenScaled": "Retain",
                },
                "volumeClaimTemplates": [{
                    "apiVersion": "v1", "kind": "PersistentVolumeClaim",
                    "metadata": {"name": "data", "labels": match_labels(cluster, Component::Gateway)},
                    "spec": {
                        "accessModes": ["ReadWriteOnce"],
                        "volumeMode": "Filesystem",
                        "storageClassName": storage.class_name,
                        "resources": {"requests": {"storage": storage.size}},
                    },
                }],
            },
        }),
    )
}
