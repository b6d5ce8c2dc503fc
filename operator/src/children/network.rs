//! Who may talk to whom: nobody but those who have to.

use serde_json::{Value, json};

use super::meta::{match_labels, metadata, name};
use super::pod::components;
use super::{ADMIN_PORT, CLIENTS_PORT, Child, Component, Concern, Context};
use crate::api::ChatCluster;

/// The label by which a namespace is chosen by name.
const NAMESPACE: &str = "kubernetes.io/metadata.name";

pub(super) fn policies(cluster: &ChatCluster, context: &Context) -> Vec<Child> {
    if !cluster.spec.network_policies.enabled {
        return Vec::new();
    }
    let mut policies = vec![deny(cluster)];
    for (component, ..) in components(cluster) {
        policies.push(policy(
            cluster,
            Some(component),
            &component.object_name(cluster),
            &json!({
                "podSelector": {"matchLabels": match_labels(cluster, component)},
                "policyTypes": ["Ingress", "Egress"],
                "ingress": ingress(cluster, component, context),
                "egress": egress(cluster, component),
            }),
        ));
    }
    policies
}

/// For pods of the cluster that no other policy chooses.
fn deny(cluster: &ChatCluster) -> Child {
    policy(
        cluster,
        None,
        &format!("{}-deny", name(cluster)),
        &json!({
            "podSelector": {"matchLabels": {
                "app.kubernetes.io/name": "elastic-chat",
                "app.kubernetes.io/instance": name(cluster),
            }},
            "policyTypes": ["Ingress", "Egress"],
        }),
    )
}

fn policy(cluster: &ChatCluster, component: Option<Component>, name: &str, spec: &Value) -> Child {
    Child::new(
        Concern::Network,
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": metadata(cluster, component, name),
            "spec": spec,
        }),
    )
}

fn tcp(port: u16) -> Value {
    json!({"protocol": "TCP", "port": port})
}

fn udp(port: u16) -> Value {
    json!({"protocol": "UDP", "port": port})
}

fn ingress(cluster: &ChatCluster, component: Component, context: &Context) -> Value {
    let mut rules = Vec::new();
    if matches!(component, Component::Gateway | Component::Web) {
        let namespaces = &cluster.spec.network_policies.client_namespaces;
        let mut from: Vec<Value> = namespaces.iter().map(|name| in_namespace(name)).collect();
        if component == Component::Gateway && !from.is_empty() && cluster.spec.is_distributed() {
            from.push(json!({"podSelector": {"matchLabels": match_labels(cluster, Component::Web)}}));
        }
        // Without `from`, anybody.
        rules.push(json!({"ports": [tcp(CLIENTS_PORT)], "from": from}));
    }
    if matches!(component, Component::Gateway | Component::Writer) {
        let mut from = vec![json!({
            "namespaceSelector": {"matchLabels": {NAMESPACE: context.operator_namespace}},
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": "elastic-chat-operator"}},
        })];
        from.extend(cluster.spec.network_policies.metrics_namespaces.iter().map(|name| in_namespace(name)));
        rules.push(json!({"ports": [tcp(ADMIN_PORT)], "from": from}));
    }
    json!(rules)
}

fn in_namespace(name: &str) -> Value {
    json!({"namespaceSelector": {"matchLabels": {NAMESPACE: name}}})
}

fn egress(cluster: &ChatCluster, component: Component) -> Value {
    // Port 53 of the Service is 5353 of the pods behind it on OpenShift, and a policy is about pods.
    let dns = json!({"ports": [udp(53), tcp(53), udp(5353), tcp(5353)]});
    let s3 = cluster.spec.blobs.as_ref().is_some_and(|blobs| blobs.s3.is_some());
    match component {
        Component::Web => {
            let gateways = json!({"podSelector": {"matchLabels": match_labels(cluster, Component::Gateway)}});
            json!([dns, {"ports": [tcp(CLIENTS_PORT)], "to": [gateways]}])
        }
        // It needs nobody.
        Component::Gateway if !cluster.spec.is_distributed() && !s3 => json!([dns]),
        // Brokers, sentinels and the nodes of Redis and Cassandra tell their addresses and ports themselves, and S3 and a
        // role's token are anywhere: any TCP.
        _ => json!([dns, {"ports": [{"protocol": "TCP", "port": 1, "endPort": 65_535}]}]),
    }
}
