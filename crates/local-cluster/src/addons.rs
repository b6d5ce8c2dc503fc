//! What every cluster has beside its processes: names and volumes.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Value, json};
use stack::cache::run;
use stack::template::render;

use crate::image;
use crate::machine::{NODE_NAME, SERVICE_DNS};
use crate::site::Site;

/// Volumes that wait for claims.
const VOLUMES: usize = 32;
const PATIENCE: Duration = Duration::from_mins(2);

/// Applies them, and waits until names are found.
pub(crate) fn apply(site: &Site<'_>) -> anyhow::Result<()> {
    let dns = [("image", image::COREDNS), ("address", &SERVICE_DNS.to_string())];
    std::fs::write(site.file("coredns.yaml"), render(include_str!("../templates/coredns.yaml"), &dns)?)?;
    std::fs::write(site.file("storage.json"), storage(site)?.to_string())?;
    kubectl(site, &["apply", "-f", &site.file("coredns.yaml"), "-f", &site.file("storage.json")])?;
    let begin = Instant::now();
    loop {
        match kubectl(site, &["-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=2s"]) {
            Err(_) if begin.elapsed() < PATIENCE => {}
            outcome => return outcome.context("CoreDNS does not get ready"),
        }
    }
}

fn kubectl(site: &Site<'_>, args: &[&str]) -> anyhow::Result<()> {
    let command = site.kubectl(args)?;
    run(Command::new(&command[0]).args(&command[1..])).map(drop)
}

/// A default class, and volumes of it that were made in advance: nothing here makes them on demand. They are of the kind
/// `local`, to which the kubelet applies a pod's `fsGroup` as it does to a cloud's disks. One that was used is not used again.
fn storage(site: &Site<'_>) -> anyhow::Result<Value> {
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    });
    let mut items = vec![class];
    for n in 1..=VOLUMES {
        let path = site.files().join("volumes").join(n.to_string());
        std::fs::create_dir_all(&path)?;
        items.push(json!({
            "apiVersion": "v1", "kind": "PersistentVolume",
            "metadata": {"name": format!("local-{n}")},
            "spec": {
                "storageClassName": "standard",
                "capacity": {"storage": "10Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "local": {"path": path},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                    {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE_NAME]},
                ]}]}},
            },
        }));
    }
    Ok(json!({"apiVersion": "v1", "kind": "List", "items": items}))
}
