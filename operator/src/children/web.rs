//! nginx with the web client.

use serde_json::json;

use super::backends::Started;
use super::container::{Container, Probes};
use super::hash::short_hash;
use super::meta::{match_labels, metadata};
use super::pod::Template;
use super::resources::{Defaults, resources};
use super::{CLIENTS_PORT, Child, Component, Concern, Context};
use crate::api::ChatCluster;

/// The configuration that is tested with real nodes, in containers and here.
const CHAT: &str = include_str!("../../../deploy/nginx/chat.conf");
const WEB: &str = include_str!("../../../deploy/nginx/web.conf");
/// How often a request is tried: each entry of the upstream is one.
const TRIES: usize = 3;
/// A web pod that ends serves the sockets that it has for so long. It can't ask their clients to go, and gateways that drain do:
/// when both are replaced, this outlasts the gateways. As long as autoscalers of nodes wait by default.
const GRACE_SECONDS: i64 = 600;

pub(super) fn objects(cluster: &ChatCluster, context: &Context) -> Vec<Child> {
    if !cluster.spec.web().enabled {
        return Vec::new();
    }
    let (chat, web) = (CHAT.to_owned(), configuration(&Component::Gateway.object_name(cluster)));
    let hash = short_hash(&[&chat, &web]);
    let name = Component::Web.object_name(cluster);
    let config_map = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": metadata(cluster, Some(Component::Web), &name),
        "data": {"chat.conf": chat, "default.conf": web},
    });
    vec![Child::new(Concern::Web, config_map), deployment(cluster, context, &name, hash)]
}

fn deployment(cluster: &ChatCluster, context: &Context, name: &str, config_hash: String) -> Child {
    let spec = cluster.spec.web();
    let defaults = Defaults { cpu: "50m", memory: "32Mi".to_owned(), memory_limit: "128Mi".to_owned() };
    let template = Template {
        component: Component::Web,
        pod: &spec.pod,
        container: Container {
            name: "nginx",
            image: cluster.spec.image.of("web", &context.version),
            started: Started::default(),
            resources: resources(&spec.resources, &defaults),
            mounts: vec![json!({"name": "config", "mountPath": "/etc/nginx/conf.d", "readOnly": true})],
            serves: true,
            probes: Probes::Clients("/healthz"),
        },
        volumes: vec![json!({"name": "config", "configMap": {"name": name}})],
        grace_seconds: GRACE_SECONDS,
        config_hash,
        restart_policy: None,
    };
    Child::new(
        Concern::Web,
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": metadata(cluster, Some(Component::Web), name),
            "spec": {
                "replicas": spec.replicas,
                "selector": {"matchLabels": match_labels(cluster, Component::Web)},
                "revisionHistoryLimit": 3,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "template": template.build(cluster),
            },
        }),
    )
}

/// The shipped configuration with the gateways' Service as upstream. Each of its entries is another connection through
/// the Service, and so most likely another gateway: that is what a refused handshake needs.
fn configuration(service: &str) -> String {
    let mut lines = Vec::new();
    let mut entries = 0;
    for line in WEB.lines() {
        if line.starts_with("upstream ") {
            entries = 0;
        }
        if line.trim_start().starts_with("server node-") {
            entries += 1;
            if entries <= TRIES {
                lines.push(format!("  server {service}:{CLIENTS_PORT} max_fails=0;"));
            }
        } else {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_upstream_is_the_service() {
        let configuration = configuration("demo-gateway");
        assert_eq!(
            configuration.matches("server demo-gateway:8080 max_fails=0;").count(),
            2 * TRIES,
            "{configuration}"
        );
        assert!(!configuration.contains("node-1"));
        assert!(configuration.contains("proxy_pass http://chat;"));
        assert!(configuration.contains("proxy_pass http://sockets;"));
    }
}
