//! Every object that a ChatCluster owns, as pure functions of the resource and what is known of its surroundings.
//!
//! What is not named here is left to others. Above all `replicas` of gateways and writers: a field manager of its own
//! sets it, so that neither GitOps nor this fights the scaling.

mod backends;
mod container;
mod embedded;
mod gateway;
mod hash;
mod json;
mod meta;
mod migrate;
mod monitor;
mod network;
mod pod;
mod resources;
mod routes;
mod secrets;
mod services;
mod web;
mod writer;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::ChatCluster;

pub use gateway::{cpu_cores as gateway_cpu_cores, grace_seconds as gateway_grace_seconds};
pub use meta::{Component, selector};
pub use migrate::{hash as migration_hash, needed as migration_needed};
pub use secrets::{Use, admin_secret, uses as secret_uses};

/// Where clients connect to a gateway, an embedded node or nginx.
pub const CLIENTS_PORT: u16 = 8080;
/// Where `/livez`, `/readyz`, `/metrics`, `/load`, `/drain` and `/shed` answer.
pub const ADMIN_PORT: u16 = 9090;
/// The key of the Secret [`admin_secret`] that holds the accepted tokens, one a line.
pub const ADMIN_TOKEN_KEY: &str = "token";
/// Seconds between a pod's leaving the Services and its SIGTERM: whoever still has its address is served.
pub const PRE_STOP_SECONDS: i64 = 5;
/// On a pod template: changes when something changes that processes read only when they start.
pub const CONFIG_HASH: &str = "elastic-chat.io/config-hash";

/// What is known besides the resource.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The operator's version: the tag of the images where the spec gives none.
    pub version: String,
    /// Where the operator runs: its pods may reach the admin ports.
    pub operator_namespace: String,
    /// HTTPRoutes of the Gateway API can be made.
    pub http_routes: bool,
    /// PodMonitors of the Prometheus operator can be made.
    pub pod_monitors: bool,
    /// A hash of the content of `NAME/KEY`, for those of [`secret_uses`] that processes read only when they start.
    pub secrets: BTreeMap<String, String>,
}

/// Which field manager applies an object: one for each concern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    Network,
    Migration,
    Gateways,
    Writers,
    Web,
    Monitoring,
}

impl Concern {
    pub fn manager(self) -> &'static str {
        match self {
            Self::Network => "elastic-chat/network",
            Self::Migration => "elastic-chat/migration",
            Self::Gateways => "elastic-chat/gateways",
            Self::Writers => "elastic-chat/writers",
            Self::Web => "elastic-chat/web",
            Self::Monitoring => "elastic-chat/monitoring",
        }
    }
}

/// An owned object, as it is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    pub concern: Concern,
    pub object: Value,
}

impl Child {
    fn new(concern: Concern, object: Value) -> Self {
        Self { concern, object: json::pruned(object) }
    }

    pub fn kind(&self) -> &str {
        self.object["kind"].as_str().unwrap_or_default()
    }

    pub fn name(&self) -> &str {
        self.object["metadata"]["name"].as_str().unwrap_or_default()
    }
}

/// All objects of a cluster in the order in which they are applied: what others refer to comes first. The migration's
/// Job is among them; whether it is due is [`migration_needed`]'s answer. Objects of kinds that are not installed are
/// left out, and [`missing_kinds`] tells.
pub fn all(cluster: &ChatCluster, context: &Context) -> Vec<Child> {
    let mut children = pod::service_accounts(cluster);
    children.extend(network::policies(cluster, context));
    children.extend(services::services(cluster));
    if cluster.spec.is_distributed() {
        children.extend(migrate::job(cluster, context));
        children.push(gateway::deployment(cluster, context));
        children.push(writer::stateful_set(cluster, context));
        children.extend(web::objects(cluster, context));
        children.extend(services::budgets(cluster));
    } else {
        children.push(embedded::stateful_set(cluster, context));
    }
    children.extend(routes::route(cluster, context));
    children.extend(monitor::pod_monitor(cluster, context));
    children
}

/// What the spec asks for and can't be made, since its kind is not installed: sentences for a condition.
pub fn missing_kinds(cluster: &ChatCluster, context: &Context) -> Vec<String> {
    let gateway = cluster.spec.exposure.gateway.is_some() && !context.http_routes;
    gateway
        .then(|| {
            "spec.exposure.gateway needs the Gateway API (HTTPRoute v1), which is not installed: install it, or use \
             spec.exposure.ingress"
                .to_owned()
        })
        .into_iter()
        .collect()
}

/// Where clients connect, as far as the spec tells.
pub fn url(cluster: &ChatCluster) -> String {
    let exposure = &cluster.spec.exposure;
    let scheme = if exposure.tls.is_some() { "https" } else { "http" };
    match &exposure.host {
        Some(host) => format!("{scheme}://{host}"),
        None => format!("{scheme}://{}.{}.svc", meta::name(cluster), meta::namespace(cluster)),
    }
}

#[cfg(test)]
mod tests;
