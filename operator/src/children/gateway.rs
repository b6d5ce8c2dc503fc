//! Gateways of a distributed cluster.

use serde_json::{Value, json};

use super::backends::{self, Started};
use super::container::{Container, Probes};
use super::hash::short_hash;
use super::meta::{match_labels, metadata};
use super::pod::Template;
use super::resources::{Defaults, cores, resources};
use super::{ADMIN_PORT, CLIENTS_PORT, Child, Component, Concern, Context, PRE_STOP_SECONDS, secrets};
use crate::api::{Amounts, ChatCluster, LogFormat, Resources};

/// After the drain: the last connections are closed (0.2 s), tasks end (10 s), the cluster is told (5 s); and some air.
const LAST_WORDS_SECONDS: i64 = 25;

/// Seconds from the decision that a pod ends to its SIGKILL: what comes before SIGTERM, the drain, and the last words.
pub fn grace_seconds(cluster: &ChatCluster) -> i64 {
    PRE_STOP_SECONDS + i64::from(cluster.spec.gateways().scale_down.drain_seconds) + LAST_WORDS_SECONDS
}

/// The cores that one gateway may use: its limit, or else its request. Never 0.
pub fn cpu_cores(cluster: &ChatCluster) -> f64 {
    let Resources { requests: Amounts { cpu: request, .. }, limits: Amounts { cpu: limit, .. } } =
        cluster.spec.gateways().resources;
    let given = limit.or(request).and_then(|quantity| cores(&quantity.0)).filter(|cores| *cores > 0.0);
    given.unwrap_or(DEFAULT_CORES)
}

const DEFAULT_CORES: f64 = 0.5;

fn defaults() -> Defaults {
    Defaults { cpu: "500m", memory: "512Mi".to_owned(), memory_limit: "1Gi".to_owned() }
}

pub(super) fn deployment(cluster: &ChatCluster, context: &Context) -> Child {
    let spec = cluster.spec.gateways();
    let mut started = started(cluster, spec.scale_down.drain_seconds);
    started.field("POD_NAME", "metadata.name");
    started.arg("node-id", "$(POD_NAME)");
    backends::cluster(cluster, true, &mut started);
    let uses = secrets::uses(cluster, Component::Gateway);
    let (secret_volume, secret_mount) = secrets::volume(&uses);
    let (data_volume, data_mount) = shared_files(cluster, &mut started);
    let template = Template {
        component: Component::Gateway,
        pod: &spec.pod,
        container: Container {
            name: "chat-node",
            image: cluster.spec.image.of("chat-node", &context.version),
            started,
            resources: resources(&spec.resources, &defaults()),
            mounts: secret_mount.into_iter().chain(data_mount).collect(),
            serves: true,
            probes: Probes::Admin,
        },
        volumes: secret_volume.into_iter().chain(data_volume).collect(),
        grace_seconds: grace_seconds(cluster),
        config_hash: short_hash(&secrets::hashes(&uses, context)),
        restart_policy: None,
    };
    Child::new(
        Concern::Gateways,
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": metadata(cluster, Some(Component::Gateway), &Component::Gateway.object_name(cluster)),
            "spec": {
                "selector": {"matchLabels": match_labels(cluster, Component::Gateway)},
                "revisionHistoryLimit": 3,
                // New ones first; and only so many at a time as may drain at a time.
                "strategy": {
                    "type": "RollingUpdate",
                    "rollingUpdate": {"maxSurge": spec.scale_down.max_draining, "maxUnavailable": 0},
                },
                "template": template.build(cluster),
            },
        }),
    )
}

/// What any chat node is started with, embedded or not.
pub(super) fn started(cluster: &ChatCluster, drain_seconds: u32) -> Started {
    let spec = &cluster.spec;
    let mut started = Started { args: vec!["serve".to_owned()], ..Started::default() };
    started.arg("listen", format_args!("0.0.0.0:{CLIENTS_PORT}"));
    started.arg("admin", format_args!("0.0.0.0:{ADMIN_PORT}"));
    started.arg("admin-token-file", format_args!("{}/admin/token", secrets::FOLDER));
    started.arg("drain-seconds", drain_seconds);
    started.arg("heartbeat-seconds", spec.exposure.heartbeat_seconds);
    started.arg("secure-cookies", spec.exposure.tls.is_some());
    started.arg("trust-forwarded-for", behind_proxy(cluster));
    if !spec.exposure.allowed_origins.is_empty() {
        started.arg("allowed-origin", spec.exposure.allowed_origins.join(","));
    }
    for (flag, value) in spec.limits.flags() {
        started.arg(&format!("limit-{flag}"), value);
    }
    log(cluster, &mut started);
    if spec.auth.signing_key_secret.is_some() {
        started.arg("signing-key-file", format_args!("{}/auth/signing.key", secrets::FOLDER));
    }
    if let Some(s3) = spec.blobs.as_ref().and_then(|blobs| blobs.s3.as_ref()) {
        backends::s3(s3, &mut started);
    }
    started
}

pub(super) fn log(cluster: &ChatCluster, started: &mut Started) {
    started.arg("log", &cluster.spec.log.filter);
    started.arg(
        "log-format",
        match cluster.spec.log.format {
            LogFormat::Json => "json",
            LogFormat::Text => "text",
        },
    );
}

/// Is the last entry of X-Forwarded-For by a proxy of ours: nginx, an Ingress controller or a Gateway?
fn behind_proxy(cluster: &ChatCluster) -> bool {
    let exposure = &cluster.spec.exposure;
    let nginx = cluster.spec.is_distributed() && cluster.spec.web().enabled;
    nginx || exposure.ingress.is_some() || exposure.gateway.is_some()
}

/// The volume that gateways share, when files are kept on one.
fn shared_files(cluster: &ChatCluster, started: &mut Started) -> (Option<Value>, Option<Value>) {
    let Some(claim) = cluster.spec.blobs.as_ref().and_then(|blobs| blobs.claim.as_ref()) else { return (None, None) };
    started.arg("data-dir", "/data");
    (
        Some(json!({"name": "data", "persistentVolumeClaim": {"claimName": claim.name}})),
        Some(json!({"name": "data", "mountPath": "/data"})),
    )
}
