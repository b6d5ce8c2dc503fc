//! Services and disruption budgets.

use serde_json::{Value, json};

use super::meta::{match_labels, metadata, name};
use super::{ADMIN_PORT, CLIENTS_PORT, Child, Component, Concern};
use crate::api::ChatCluster;

/// After a Service's name: the one without an address, which gives each pod of a StatefulSet a name.
pub(super) const HEADLESS: &str = "-pods";
/// The port of the Service that people use.
const HTTP_PORT: u16 = 80;

/// The Service of the cluster's name for people, `CLUSTER-gateway` for nginx and Ingresses, and headless ones for
/// StatefulSets.
pub(super) fn services(cluster: &ChatCluster) -> Vec<Child> {
    let spec = &cluster.spec;
    let web = spec.is_distributed() && spec.web().enabled;
    let entry = if web { Component::Web } else { Component::Gateway };
    let mut children = vec![Child::new(Concern::Network, people(cluster, entry))];
    if spec.is_distributed() {
        children.push(Child::new(Concern::Network, gateways(cluster)));
        let writer = Component::Writer;
        children.push(Child::new(
            Concern::Network,
            headless(cluster, writer, &writer.object_name(cluster), "admin", ADMIN_PORT),
        ));
    } else {
        let gateway = Component::Gateway;
        let name = format!("{}{HEADLESS}", gateway.object_name(cluster));
        children.push(Child::new(Concern::Network, headless(cluster, gateway, &name, "clients", CLIENTS_PORT)));
    }
    children
}

fn people(cluster: &ChatCluster, entry: Component) -> Value {
    let exposure = &cluster.spec.exposure;
    let mut meta = metadata(cluster, None, &name(cluster));
    meta["annotations"] = json!(exposure.service_annotations);
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": meta,
        "spec": {
            "type": exposure.service_type.as_str(),
            "selector": match_labels(cluster, entry),
            "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": "clients", "protocol": "TCP"}],
        },
    })
}

fn gateways(cluster: &ChatCluster) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(cluster, Some(Component::Gateway), &Component::Gateway.object_name(cluster)),
        "spec": {
            "type": "ClusterIP",
            "selector": match_labels(cluster, Component::Gateway),
            "ports": [{"name": "http", "port": CLIENTS_PORT, "targetPort": "clients", "protocol": "TCP"}],
        },
    })
}

fn headless(cluster: &ChatCluster, component: Component, name: &str, port_name: &str, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": metadata(cluster, Some(component), name),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": true,
            "selector": match_labels(cluster, component),
            "ports": [{"name": port_name, "port": port, "targetPort": port_name, "protocol": "TCP"}],
        },
    })
}

/// How many pods an eviction may take at a time. Pods that are not ready may always go: they would block a node's drain
/// for ever. An embedded node has none: one pod that may not go would do the same.
pub(super) fn budgets(cluster: &ChatCluster) -> Vec<Child> {
    let spec = &cluster.spec;
    let gateways = spec.gateways();
    // There are at least `min` gateways: an eviction must not take all of them at once.
    let evicted = gateways.scale_down.max_draining.but_one(gateways.min);
    let mut budgets = vec![
        budget(cluster, Component::Gateway, Concern::Gateways, &json!(evicted)),
        budget(cluster, Component::Writer, Concern::Writers, &json!(1)),
    ];
    if spec.web().enabled {
        budgets.push(budget(cluster, Component::Web, Concern::Web, &json!(1)));
    }
    budgets
}

fn budget(cluster: &ChatCluster, component: Component, concern: Concern, max_unavailable: &Value) -> Child {
    Child::new(
        concern,
        json!({
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
            "metadata": metadata(cluster, Some(component), &component.object_name(cluster)),
            "spec": {
                "maxUnavailable": max_unavailable,
                "selector": {"matchLabels": match_labels(cluster, component)},
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        }),
    )
}
