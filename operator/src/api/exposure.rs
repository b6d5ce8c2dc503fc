//! How clients reach the cluster.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Pod, Resources};

/// How clients reach the cluster. Without Ingress and Gateway they come through the Service of the cluster's name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Exposure {
    /// The name that clients connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub host: Option<String>,
    /// Say so when clients come by HTTPS: cookies are then marked Secure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsExposure>,
    /// An Ingress: `/v1` leads to the gateways, all else to the web client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<Ingress>,
    /// An HTTPRoute of the Gateway API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayRoute>,
    /// The type of the Service of the cluster's name.
    #[serde(default)]
    pub service_type: ServiceType,
    /// Annotations of the Service, such as those of a load balancer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub service_annotations: BTreeMap<String, String>,
    /// Further origins that browsers may connect from, besides the one that serves the client: scheme://host[:port].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 16), inner(length(min = 8, max = 270)), extend("x-kubernetes-list-type" = "set"))]
    pub allowed_origins: Vec<String>,
    /// Seconds between pings to each client. Whatever stands in front must keep a quiet connection for longer.
    #[serde(default = "Exposure::default_heartbeat")]
    #[schemars(range(min = 1, max = 100))]
    pub heartbeat_seconds: u32,
}

impl Exposure {
    fn default_heartbeat() -> u32 {
        25
    }
}

impl Default for Exposure {
    fn default() -> Self {
        Self {
            host: None,
            tls: None,
            ingress: None,
            gateway: None,
            service_type: ServiceType::default(),
            service_annotations: BTreeMap::new(),
            allowed_origins: Vec::new(),
            heartbeat_seconds: Self::default_heartbeat(),
        }
    }
}

/// Who ends TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TlsExposure {
    /// The Ingress's certificate: a Secret of type kubernetes.io/tls. Without it the Ingress controller's own, or
    /// whatever stands in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Without it the default class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub class_name: Option<String>,
    /// Annotations of the Ingress, such as its controller's timeouts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 32))]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRoute {
    /// The Gateways that the route attaches to.
    #[schemars(length(min = 1, max = 8), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["namespace", "name", "sectionName"]))]
    pub parent_refs: Vec<ParentRef>,
}

/// A Gateway. An empty `namespace` is the cluster's own, an empty `sectionName` all listeners.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParentRef {
    /// The Gateway's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace.
    #[serde(default)]
    #[schemars(length(max = 63))]
    pub namespace: String,
    /// The listener.
    #[serde(default)]
    #[schemars(length(max = 253))]
    pub section_name: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ServiceType {
    #[default]
    ClusterIP,
    NodePort,
    LoadBalancer,
}

impl ServiceType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIP => "ClusterIP",
            Self::NodePort => "NodePort",
            Self::LoadBalancer => "LoadBalancer",
        }
    }
}

/// The web client behind nginx.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Web {
    /// Without it the Service of the cluster's name leads to the gateways.
    #[serde(default = "super::defaults::yes")]
    pub enabled: bool,
    /// How many pods.
    #[serde(default = "Web::default_replicas")]
    #[schemars(range(min = 1, max = 100))]
    pub replicas: u32,
    #[serde(default)]
    pub resources: Resources,
    #[serde(default)]
    pub pod: Pod,
}

impl Web {
    fn default_replicas() -> u32 {
        2
    }
}

impl Default for Web {
    fn default() -> Self {
        Self { enabled: true, replicas: Self::default_replicas(), resources: Resources::default(), pod: Pod::default() }
    }
}
