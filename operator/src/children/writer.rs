//! Writers.

use serde_json::json;

use super::backends::{self, Started};
use super::container::{Container, Probes};
use super::hash::short_hash;
use super::meta::{match_labels, metadata};
use super::pod::Template;
use super::resources::{Defaults, resources};
use super::{ADMIN_PORT, Child, Component, Concern, Context, gateway, secrets};
use crate::api::{ChatCluster, Writers};

/// After the batches in work: leaving the group (8 s), tasks end (5 s); and some air.
const LAST_WORDS_SECONDS: i64 = 20;

/// A StatefulSet, since a writer's name is its membership in the group: one that restarts finds its partitions again
/// without their moving twice.
pub(super) fn stateful_set(cluster: &ChatCluster, context: &Context) -> Child {
    let spec = cluster.spec.writers();
    let uses = secrets::uses(cluster, Component::Writer);
    let (volume, mount) = secrets::volume(&uses);
    let name = Component::Writer.object_name(cluster);
    let template = Template {
        component: Component::Writer,
        pod: &spec.pod,
        container: Container {
            name: "writer",
            image: cluster.spec.image.of("writer", &context.version),
            started: started(cluster, &spec),
            resources: resources(&spec.resources, &defaults(&spec)),
            mounts: mount.into_iter().collect(),
            serves: false,
            probes: Probes::Admin,
        },
        volumes: volume.into_iter().collect(),
        grace_seconds: i64::from(spec.drain_seconds) + LAST_WORDS_SECONDS,
        config_hash: short_hash(&secrets::hashes(&uses, context)),
        restart_policy: None,
    };
    Child::new(
        Concern::Writers,
        json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": metadata(cluster, Some(Component::Writer), &name),
            "spec": {
                "serviceName": name,
                // None depends on another.
                "podManagementPolicy": "Parallel",
                "selector": {"matchLabels": match_labels(cluster, Component::Writer)},
                "revisionHistoryLimit": 3,
                "updateStrategy": {"type": "RollingUpdate"},
                "template": template.build(cluster),
            },
        }),
    )
}

fn started(cluster: &ChatCluster, spec: &Writers) -> Started {
    let mut started = Started { args: vec!["run".to_owned()], ..Started::default() };
    started.field("POD_NAME", "metadata.name");
    started.arg("writer-id", "$(POD_NAME)");
    started.arg("instance-id", "$(POD_NAME)");
    started.arg("admin", format_args!("0.0.0.0:{ADMIN_PORT}"));
    started.arg("admin-token-file", format_args!("{}/admin/token", secrets::FOLDER));
    started.arg("concurrency", spec.concurrency);
    started.arg("batch-interval-ms", spec.batch_interval_ms);
    started.arg("memory-mib", spec.memory_mib);
    started.arg("drain-seconds", spec.drain_seconds);
    if cluster.spec.kafka.as_ref().is_some_and(|kafka| kafka.classic_group_protocol) {
        started.arg("classic-protocol", true);
    }
    gateway::log(cluster, &mut started);
    backends::cluster(cluster, true, &mut started);
    started
}

/// Records wait and are in work, and what is made of them is about as much again.
fn defaults(spec: &Writers) -> Defaults {
    let records = spec.memory_mib * 2;
    Defaults { cpu: "250m", memory: format!("{}Mi", records + 64), memory_limit: format!("{}Mi", records * 2 + 192) }
}
