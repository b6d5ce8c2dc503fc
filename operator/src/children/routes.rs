//! The way in from outside: an Ingress or an HTTPRoute.

use serde_json::{Value, json};

use super::meta::{metadata, name};
use super::{CLIENTS_PORT, Child, Component, Concern, Context};
use crate::api::{ChatCluster, Exposure, GatewayRoute, Ingress};

/// What gateways answer; the web client has the rest.
const API: &str = "/v1";

pub(super) fn route(cluster: &ChatCluster, context: &Context) -> Option<Child> {
    let exposure = &cluster.spec.exposure;
    let object = match (&exposure.ingress, &exposure.gateway) {
        (Some(spec), _) => ingress(cluster, exposure, spec),
        (None, Some(spec)) if context.http_routes => http_route(cluster, exposure, spec),
        _ => return None,
    };
    Some(Child::new(Concern::Network, object))
}

/// Paths and the Service behind each. Sockets go to the gateways at once: nginx would be one proxy more, and would hide
/// the client's address behind the Ingress controller's.
fn paths(cluster: &ChatCluster) -> Vec<(&'static str, String, u16)> {
    let people = ("/", name(cluster), 80);
    if cluster.spec.is_distributed() {
        vec![(API, Component::Gateway.object_name(cluster), CLIENTS_PORT), people]
    } else {
        vec![people]
    }
}

fn ingress(cluster: &ChatCluster, exposure: &Exposure, spec: &Ingress) -> Value {
    let mut meta = metadata(cluster, None, &name(cluster));
    meta["annotations"] = json!(spec.annotations);
    let paths: Vec<Value> = paths(cluster)
        .into_iter()
        .map(|(path, service, port)| {
            let backend = json!({"service": {"name": service, "port": {"number": port}}});
            json!({"path": path, "pathType": "Prefix", "backend": backend})
        })
        .collect();
    let tls = exposure.tls.as_ref().map(|tls| json!([{"hosts": [exposure.host], "secretName": tls.secret_name}]));
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": meta,
        "spec": {
            "ingressClassName": spec.class_name,
            "tls": tls,
            "rules": [{"host": exposure.host, "http": {"paths": paths}}],
        },
    })
}

fn http_route(cluster: &ChatCluster, exposure: &Exposure, spec: &GatewayRoute) -> Value {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let parents: Vec<Value> = spec
        .parent_refs
        .iter()
        .map(|parent| {
            let (namespace, section) = (given(&parent.namespace), given(&parent.section_name));
            json!({"name": parent.name, "namespace": namespace, "sectionName": section})
        })
        .collect();
    let rules: Vec<Value> = paths(cluster)
        .into_iter()
        .map(|(path, service, port)| {
            json!({
                "matches": [{"path": {"type": "PathPrefix", "value": path}}],
                "backendRefs": [{"name": service, "port": port}],
                // A socket is one request that lasts.
                "timeouts": {"request": "0s"},
            })
        })
        .collect();
    json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": metadata(cluster, None, &name(cluster)),
        "spec": {"parentRefs": parents, "hostnames": [exposure.host], "rules": rules},
    })
}
