//! Carries out what was planned for gateways, and tells of it.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use crate::api::Decision;
use crate::apply::ApplyError;
use crate::autoscale::fleet::address;
use crate::cache::children::ChildKey;
use crate::cache::pods::PodView;
use crate::clusters::Cluster;
use crate::context::Context;
use crate::drain::{Step, marks};
use crate::events::Note;
use crate::metrics::{DrainLabels, ScaleLabels};

/// What a Deployment is at.
#[derive(Debug, Clone, Copy)]
pub struct Rollout {
    pub replicas: u32,
    /// Pods of an older template are still there, or its controller has not seen the newest.
    pub rolling: bool,
}

impl Rollout {
    pub fn of(deployment: &Deployment) -> Self {
        let replicas = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
        let status = deployment.status.clone().unwrap_or_default();
        let seen = status.observed_generation >= deployment.metadata.generation;
        let old = status.replicas.unwrap_or(0) > status.updated_replicas.unwrap_or(0);
        Self { replicas: u32::try_from(replicas).unwrap_or(0), rolling: !seen || old }
    }
}

/// The gateways of one cluster, to be acted upon.
pub struct Gateways<'a> {
    pub context: &'a Context,
    pub cluster: &'a Cluster,
    pub key: &'a ChildKey,
    /// Of the Deployment that was looked at.
    pub version: &'a str,
    pub pods: &'a [Arc<PodView>],
}

impl Gateways<'_> {
    /// Takes the steps in order. One that fails for a pod does not keep the others; all come again next period.
    ///
    /// # Errors
    /// Replicas could not be set.
    pub async fn take(&self, steps: &[Step], drain_seconds: f64) -> Result<(), ApplyError> {
        for step in steps {
            match step {
                Step::Mark { pod } => self.mark(pod, drain_seconds).await,
                Step::Drain { pod, seconds } => self.ask_to_drain(pod, *seconds).await,
                Step::Finish { pod, left } => self.finish(pod, *left).await,
                Step::TakeBack { pod } => self.take_back(pod).await,
                Step::Scale { from, to } => self.scale(*from, *to).await?,
            }
        }
        Ok(())
    }

    fn count(&self, step: &'static str) {
        self.context.metrics.drains.get_or_create(&DrainLabels { step }).inc();
    }

    /// Writes on the pod, and takes in what the API server says it is now. Tells whether it worked.
    async fn write(&self, pod: &str, patch: &serde_json::Value) -> bool {
        match self.context.calls.merge::<Pod>(&self.cluster.key.namespace, pod, patch).await {
            Ok(written) => {
                if let Some(view) = PodView::of(&written) {
                    self.context.pods.put(view);
                }
                true
            }
            Err(error) if error.is_not_found() => false,
            Err(error) => {
                tracing::warn!(cluster = %self.cluster.key, pod, %error, "a drain could not be written down");
                false
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // the schema bounds it
    async fn mark(&self, pod: &str, drain_seconds: f64) {
        if !self.write(pod, &marks::draining(Timestamp::now())).await {
            return;
        }
        self.count("begun");
        let note = Note::normal("DrainStarted", "Drain", format!("gateway {pod} drains for {drain_seconds} s"));
        self.context.events.tell(self.cluster, note).await;
        self.ask_to_drain(pod, drain_seconds as u32).await;
    }

    async fn ask_to_drain(&self, pod: &str, seconds: u32) {
        let asked =
            self.with_pod(pod, async |address, tokens| self.context.admin.drain(address, tokens, seconds).await);
        if let Err(error) = asked.await {
            tracing::warn!(cluster = %self.cluster.key, pod, error, "a gateway could not be asked to drain");
        }
    }

    async fn with_pod<F>(&self, pod: &str, ask: F) -> Result<(), String>
    where
        F: AsyncFnOnce(
            crate::scrape::client::Address,
            &crate::scrape::client::Tokens,
        ) -> Result<(), crate::scrape::client::AdminError>,
    {
        self.context.calls.leadership().check().map_err(|error| error.to_string())?;
        let found = self.pods.iter().find(|view| view.name == pod).and_then(|view| address(view));
        let Some(address) = found else { return Err("it has no address".to_owned()) };
        let tokens = self.cluster.tokens.read().clone();
        ask(address, &tokens).await.map_err(|error| error.to_string())
    }

    async fn finish(&self, pod: &str, left: f64) {
        if !self.write(pod, &marks::drained(Timestamp::now())).await {
            return;
        }
        self.count(if left > 0.0 { "deadline" } else { "finished" });
        let note = if left > 0.0 {
            let text = format!("gateway {pod} still has {left} connections after its drain, and ends with them");
            Note::warning("DrainDeadline", "Drain", text)
        } else {
            Note::normal("Drained", "Drain", format!("gateway {pod} is empty and can go"))
        };
        self.context.events.tell(self.cluster, note).await;
    }

    async fn take_back(&self, pod: &str) {
        let asked = self.with_pod(pod, async |address, tokens| self.context.admin.take_back(address, tokens).await);
        if let Err(error) = asked.await {
            tracing::warn!(cluster = %self.cluster.key, pod, error, "a gateway could not be taken back from its drain");
            return;
        }
        if self.write(pod, &marks::none()).await {
            self.count("taken_back");
            let text = format!("gateway {pod} is needed again and stops draining");
            self.context.events.tell(self.cluster, Note::normal("DrainCancelled", "Drain", text)).await;
        }
    }

    /// Up at once; down only if the Deployment is still what was looked at.
    async fn scale(&self, from: u32, to: u32) -> Result<(), ApplyError> {
        let version = (to < from).then_some(self.version);
        match self.context.applier.scale(self.key, to, version).await {
            Err(ApplyError::Call(error)) if error.is_conflict() => {
                tracing::debug!(cluster = %self.cluster.key, "the gateways changed meanwhile; looking again");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(cluster = %self.cluster.key, from, to, %error, "gateways could not be scaled");
                Err(error)
            }
            Ok(()) => {
                tracing::info!(cluster = %self.cluster.key, from, to, "replicas of gateways set");
                Ok(())
            }
        }
    }
}

/// A decision that changes the number: an event, a log line, a count.
pub async fn announce(context: &Context, cluster: &Cluster, component: &'static str, decision: &Decision) {
    let (from, to) = (decision.from, decision.to);
    let direction = if to > from { "up" } else { "down" };
    context.metrics.decisions.get_or_create(&ScaleLabels { component, direction }).inc();
    tracing::info!(cluster = %cluster.key, component, from, to, reason = decision.reason, "scaling");
    let reason = match (component, to > from) {
        ("gateway", true) => "GatewaysScaledUp",
        ("gateway", false) => "GatewaysScaledDown",
        (_, true) => "WritersScaledUp",
        (_, false) => "WritersScaledDown",
    };
    // Most reasons begin with the very step.
    let step = format!("{from} → {to} {component}s");
    let text = match decision.reason.starts_with(&step) {
        true => decision.reason.clone(),
        false => format!("{step}: {}", decision.reason),
    };
    context.events.tell(cluster, Note::normal(reason, "Scale", text)).await;
}
