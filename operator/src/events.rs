//! Tells what happened as Kubernetes events on the ChatCluster, each thing once in a while.
//!
//! The name of an event is made from what it says, so that two operators, or one that started anew, count up the same
//! event instead of telling it twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::Resource as _;
use kube::api::ObjectMeta;
use parking_lot::Mutex;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::api::ChatCluster;
use crate::calls::Calls;
use crate::clusters::Cluster;
use crate::metrics::Metrics;

/// The same words about the same cluster are not told again before.
const AGAIN_AFTER: Duration = Duration::from_mins(10);
/// Kubernetes refuses longer ones.
const MOST_BYTES: usize = 1_000;
/// More than this is remembered only for clusters that have much to say.
const MOST_REMEMBERED: usize = 20_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    warning: bool,
    /// CamelCase, for machines.
    reason: String,
    action: &'static str,
    text: String,
}

impl Note {
    pub fn normal(reason: impl Into<String>, action: &'static str, text: String) -> Self {
        Self { warning: false, reason: reason.into(), action, text }
    }

    pub fn warning(reason: impl Into<String>, action: &'static str, text: String) -> Self {
        Self { warning: true, reason: reason.into(), action, text }
    }
}

#[derive(Clone)]
pub struct Events {
    calls: Calls,
    metrics: Metrics,
    /// Who tells: the pod's name.
    instance: String,
    told: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Events {
    pub fn new(calls: Calls, metrics: Metrics, instance: &str) -> Self {
        Self { calls, metrics, instance: instance.to_owned(), told: Arc::default() }
    }

    /// Tells it, unless it was told shortly before. That it can't be told is no reason to stop anything.
    pub async fn tell(&self, cluster: &Cluster, mut note: Note) {
        let mut end = note.text.len().min(MOST_BYTES);
        while !note.text.is_char_boundary(end) {
            end -= 1;
        }
        note.text.truncate(end);
        let name = name(cluster, &note);
        if !self.is_news(&name) {
            self.metrics.events_deduplicated.inc();
            return;
        }
        let event = self.event(cluster, &note, &name);
        let told = match self.calls.create(&event).await {
            Err(error) if error.is_conflict() => self.count_up(cluster, &name).await,
            other => other.map(drop),
        };
        if let Err(error) = told {
            tracing::warn!(cluster = %cluster.key, reason = note.reason, %error, "an event could not be told");
        }
    }

    fn is_news(&self, name: &str) -> bool {
        let mut told = self.told.lock();
        if told.len() > MOST_REMEMBERED {
            told.retain(|_, at| at.elapsed() < AGAIN_AFTER);
        }
        let before = told.get(name).copied();
        let news = before.is_none_or(|at| at.elapsed() >= AGAIN_AFTER);
        if news {
            told.insert(name.to_owned(), Instant::now());
        }
        news
    }

    async fn count_up(&self, cluster: &Cluster, name: &str) -> Result<(), crate::calls::CallError> {
        let namespace = &cluster.key.namespace;
        let before = self.calls.get::<Event>(namespace, name).await?;
        let count = before.and_then(|event| event.series).map_or(1, |series| series.count);
        let now = MicroTime(Timestamp::now());
        let patch = json!({"series": {"count": count.saturating_add(1), "lastObservedTime": now}});
        self.calls.merge::<Event>(namespace, name, &patch).await.map(drop)
    }

    fn event(&self, cluster: &Cluster, note: &Note, name: &str) -> Event {
        Event {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                namespace: Some(cluster.key.namespace.clone()),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            reporting_controller: Some("elastic-chat.io/operator".to_owned()),
            reporting_instance: Some(self.instance.clone()),
            action: Some(note.action.to_owned()),
            reason: Some(note.reason.clone()),
            note: Some(note.text.clone()),
            type_: Some(if note.warning { "Warning" } else { "Normal" }.to_owned()),
            regarding: Some(ObjectReference {
                api_version: Some(ChatCluster::api_version(&()).into_owned()),
                kind: Some(ChatCluster::kind(&()).into_owned()),
                name: Some(cluster.key.name.clone()),
                namespace: Some(cluster.key.namespace.clone()),
                uid: Some(cluster.uid.clone()),
                ..ObjectReference::default()
            }),
            ..Event::default()
        }
    }
}

fn name(cluster: &Cluster, note: &Note) -> String {
    let said = format!("{}\n{}\n{}", cluster.uid, note.reason, note.text);
    let hash = Sha256::digest(said.as_bytes());
    let hash = hash.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    format!("{}.{hash}", cluster.key.name)
}
