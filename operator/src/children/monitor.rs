//! For Prometheus.

use serde_json::json;

use super::meta::{metadata, name};
use super::{Child, Concern, Context};
use crate::api::ChatCluster;

pub(super) fn pod_monitor(cluster: &ChatCluster, context: &Context) -> Option<Child> {
    let spec = &cluster.spec.monitoring;
    if !spec.pod_monitor || !context.pod_monitors {
        return None;
    }
    let mut meta = metadata(cluster, None, &name(cluster));
    let mut labels = spec.labels.clone();
    labels.extend(super::meta::labels(cluster, None));
    meta["labels"] = json!(labels);
    Some(Child::new(
        Concern::Monitoring,
        json!({
            "apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor",
            "metadata": meta,
            "spec": {
                "selector": {
                    "matchLabels": {"app.kubernetes.io/name": "elastic-chat", "app.kubernetes.io/instance": name(cluster)},
                    "matchExpressions": [
                        {"key": "app.kubernetes.io/component", "operator": "In", "values": ["gateway", "writer"]},
                    ],
                },
                "podTargetLabels": ["app.kubernetes.io/name", "app.kubernetes.io/component"],
                "podMetricsEndpoints": [
                    {"port": "admin", "path": "/metrics", "interval": format!("{}s", spec.interval_seconds)},
                ],
            },
        }),
    ))
}
