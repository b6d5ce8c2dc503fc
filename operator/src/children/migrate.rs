//! The Job that makes topics and tables, and brings them to a new version.

use serde_json::json;

use super::backends::{self, Started};
use super::container::{Container, Probes};
use super::hash::short_hash;
use super::meta::metadata;
use super::pod::Template;
use super::resources::{Defaults, resources};
use super::{Child, Component, Concern, Context, secrets};
use crate::api::{ChatCluster, Resources};

/// Is a migration due: one that was not done for this image and these settings?
pub fn needed(cluster: &ChatCluster, context: &Context) -> bool {
    let done = cluster.status.as_ref().and_then(|status| status.migrated.as_deref());
    enabled(cluster) && done != Some(hash(cluster, context).as_str())
}

/// What a migration is told apart by: its image and settings. `status.migrated` keeps that of the last one that
/// succeeded.
pub fn hash(cluster: &ChatCluster, context: &Context) -> String {
    let mut parts = started(cluster).args;
    parts.push(cluster.spec.image.of("chat-node", &context.version));
    short_hash(&parts)
}

fn enabled(cluster: &ChatCluster) -> bool {
    cluster.spec.is_distributed() && cluster.spec.migration.clone().unwrap_or_default().enabled
}

/// The Job: another one for each image or setting, since a Job can't be changed.
pub(super) fn job(cluster: &ChatCluster, context: &Context) -> Option<Child> {
    if !enabled(cluster) {
        return None;
    }
    // A Job's name is a label of its pods, and so has at most 63 characters.
    let name = format!("{}-{}", Component::Migrate.object_name(cluster), &hash(cluster, context)[..8]);
    let uses = secrets::uses(cluster, Component::Migrate);
    let (volume, mount) = secrets::volume(&uses);
    let defaults = Defaults { cpu: "50m", memory: "64Mi".to_owned(), memory_limit: "256Mi".to_owned() };
    let mut pod = cluster.spec.gateways().pod;
    pod.topology_spread_constraints = None;
    let template = Template {
        component: Component::Migrate,
        pod: &pod,
        container: Container {
            name: "migrate",
            image: cluster.spec.image.of("chat-node", &context.version),
            started: started(cluster),
            resources: resources(&Resources::default(), &defaults),
            mounts: mount.into_iter().collect(),
            serves: false,
            probes: Probes::None,
        },
        volumes: volume.into_iter().collect(),
        grace_seconds: 30,
        config_hash: short_hash(&[hash(cluster, context)]),
        restart_policy: Some("OnFailure"),
    };
    Some(Child::new(
        Concern::Migration,
        json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": metadata(cluster, Some(Component::Migrate), &name),
            "spec": {
                // With the kubelet's pauses between restarts about half an hour: long enough for a backend to come.
                "backoffLimit": 12,
                "ttlSecondsAfterFinished": 86_400,
                "template": template.build(cluster),
            },
        }),
    ))
}

fn started(cluster: &ChatCluster) -> Started {
    let mut started = Started { args: vec!["migrate".to_owned()], ..Started::default() };
    backends::cluster(cluster, false, &mut started);
    let migration = cluster.spec.migration.clone().unwrap_or_default();
    started.arg("replication", migration.replication);
    if let Some(kafka) = &cluster.spec.kafka {
        started.arg("partitions", kafka.partitions);
    }
    started.arg("log", &cluster.spec.log.filter);
    started
}
