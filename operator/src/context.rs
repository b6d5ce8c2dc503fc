//! What every part of a leading operator shares.

use std::time::Duration;

use crate::apply::Applier;
use crate::cache::children::Children;
use crate::cache::pods::Pods;
use crate::calls::Calls;
use crate::clusters::Clusters;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::scrape::client::AdminClient;

/// What may be set from outside.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The only namespace that is looked at. `None`: all.
    pub namespace: Option<String>,
    /// Of the operator: the tag of images where a spec names none.
    pub version: String,
    /// Where the operator's own pods are: those may reach admin ports.
    pub operator_namespace: String,
    /// Reconciliations that run at once.
    pub concurrency: u16,
    /// How long an admin token is used before a new one is made.
    pub token_age: Duration,
    /// How long both tokens are accepted: longer than kubelets take to bring a changed Secret into pods.
    pub token_overlap: Duration,
    /// How long what was read from Secrets counts.
    pub secrets_age: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: None,
            version: service_kit::build::version().to_owned(),
            operator_namespace: "elastic-chat-system".to_owned(),
            concurrency: 16,
            token_age: Duration::from_hours(720),
            token_overlap: Duration::from_mins(10),
            secrets_age: Duration::from_mins(10),
        }
    }
}

/// Kinds that are not part of Kubernetes, where they are installed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Installed {
    pub http_routes: bool,
    pub pod_monitors: bool,
}

pub struct Context {
    pub settings: Settings,
    pub calls: Calls,
    pub applier: Applier,
    pub children: Children,
    pub pods: Pods,
    pub clusters: Clusters,
    pub events: Events,
    pub admin: AdminClient,
    pub metrics: Metrics,
    pub installed: Installed,
    /// Owns the loops of all clusters.
    pub tasks: tokio_util::task::TaskTracker,
}
