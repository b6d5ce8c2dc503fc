//! Where the controller's triggers come from: ChatClusters, and what they own.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject};
use kube::core::{DeserializeGuard, ObjectMeta};
use kube::runtime::reflector::{self, Store};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{PredicateConfig, WatchStreamExt as _, predicates};
use kube::{Client, ResourceExt as _};

use crate::api::ChatCluster;
use crate::cache::children::{Child, ChildKey, Children};
use crate::cache::follow::Sink;
use crate::cache::kinds::ChildKind;
use crate::cache::patience::{self, Patience};
use crate::cache::pods::{PodView, Pods};
use crate::clusters::{ClusterKey, Clusters};

pub const OURS: &str = "app.kubernetes.io/managed-by=elastic-chat-operator";

/// All ChatClusters in a store, and those whose spec changed as a stream. One that can't be read (stored under another
/// schema, say) is told of and left out: it must not keep the others from being looked after.
pub fn chat_clusters(
    client: Client,
    namespace: Option<&str>,
    clusters: Clusters,
) -> (Store<ChatCluster>, impl Stream<Item = Result<ChatCluster, watcher::Error>> + Send + 'static) {
    let api: Api<DeserializeGuard<ChatCluster>> = match namespace {
        Some(namespace) => Api::namespaced(client, namespace),
        None => Api::all(client),
    };
    let mut ear = Ear { clusters, listed: HashSet::new(), failing: false };
    let readable = kube::runtime::watcher(api, patience::config())
        .backoff(Patience::default())
        .filter_map(move |event| std::future::ready(ear.hear(event).map(Ok)));
    let (reader, writer) = reflector::store();
    let stream = reflector::reflector(writer, readable)
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default());
    (reader, stream)
}

/// What the watch of ChatClusters tells.
struct Ear {
    clusters: Clusters,
    /// By the list that is being told.
    listed: HashSet<ClusterKey>,
    failing: bool,
}

impl Ear {
    /// Errors are told of here, once each time that they begin: the controller would stop for up to a minute after each,
    /// with all that triggers it from elsewhere.
    fn hear(
        &mut self,
        event: Result<Event<DeserializeGuard<ChatCluster>>, watcher::Error>,
    ) -> Option<Event<ChatCluster>> {
        match event {
            Ok(event) => {
                self.failing = false;
                self.take(event)
            }
            Err(error) => {
                if !std::mem::replace(&mut self.failing, true) {
                    tracing::warn!(watch = "chatclusters", %error, "a watch broke off and is tried again");
                }
                None
            }
        }
    }

    fn take(&mut self, event: Event<DeserializeGuard<ChatCluster>>) -> Option<Event<ChatCluster>> {
        Some(match event {
            Event::Init => {
                self.listed.clear();
                Event::Init
            }
            Event::InitApply(guard) => {
                // Also one that can't be read: it is there.
                self.listed.insert(key_of(&guard));
                Event::InitApply(readable(guard)?)
            }
            Event::InitDone => {
                // What was deleted while nobody watched.
                self.clusters.keep_only(&std::mem::take(&mut self.listed));
                Event::InitDone
            }
            Event::Apply(guard) => Event::Apply(readable(guard)?),
            Event::Delete(guard) => {
                self.clusters.remove(&key_of(&guard));
                Event::Delete(readable(guard)?)
            }
        })
    }
}

fn key_of(guard: &DeserializeGuard<ChatCluster>) -> ClusterKey {
    match &guard.0 {
        Ok(cluster) => ClusterKey::of(cluster),
        Err(invalid) => key(&invalid.metadata),
    }
}

fn key(metadata: &ObjectMeta) -> ClusterKey {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    ClusterKey { namespace: text(&metadata.namespace), name: text(&metadata.name) }
}

fn readable(guard: DeserializeGuard<ChatCluster>) -> Option<ChatCluster> {
    match guard.0 {
        Ok(mut cluster) => {
            cluster.metadata.managed_fields = None;
            Some(cluster)
        }
        Err(invalid) => {
            let ClusterKey { namespace, name } = key(&invalid.metadata);
            tracing::warn!(namespace, name, error = invalid.error, "a ChatCluster can't be read and is left alone");
            None
        }
    }
}

/// Puts owned objects of one kind where they are compared, and triggers their owners.
pub struct ChildSink {
    pub kind: &'static ChildKind,
    pub children: Children,
    pub clusters: Clusters,
}

impl ChildSink {
    fn trigger(&self, namespace: &str, owner: Option<&String>) {
        if let Some(name) = owner {
            self.clusters.trigger(&ClusterKey { namespace: namespace.to_owned(), name: name.clone() });
        }
    }

    fn gone(&self, key: &ChildKey) {
        if let Some(child) = self.children.remove(key) {
            self.trigger(&key.namespace, child.owner.as_ref());
        }
    }
}

impl Sink<DynamicObject> for ChildSink {
    type Key = ChildKey;

    fn put(&self, object: DynamicObject) -> Option<ChildKey> {
        let child = Child::of(self.kind, object);
        let (key, owner) = (child.key.clone(), child.owner.clone());
        if self.children.put(child) {
            self.trigger(&key.namespace, owner.as_ref());
        }
        Some(key)
    }

    fn remove(&self, object: DynamicObject) {
        let namespace = object.namespace().unwrap_or_default();
        self.gone(&ChildKey { kind: self.kind, namespace, name: object.name_any() });
    }

    fn keep_only(&self, seen: &HashSet<ChildKey>) {
        for key in self.children.keys(self.kind) {
            if !seen.contains(&key) {
                self.gone(&key);
            }
        }
    }
}

/// Puts pods where the scaling loops look.
pub struct PodSink {
    pub pods: Pods,
    pub clusters: Clusters,
}

impl Sink<Pod> for PodSink {
    type Key = (String, String);

    fn put(&self, pod: Pod) -> Option<(String, String)> {
        let view = PodView::of(&pod)?;
        let key = ClusterKey { namespace: view.namespace.clone(), name: view.cluster.clone() };
        let seen = (view.namespace.clone(), view.name.clone());
        if self.pods.put(view) {
            self.clusters.trigger(&key);
        }
        Some(seen)
    }

    fn remove(&self, pod: Pod) {
        let Some(view) = PodView::of(&pod) else { return };
        self.pods.remove(&view.namespace, &view.cluster, &view.name);
        self.clusters.trigger(&ClusterKey { namespace: view.namespace, name: view.cluster });
    }

    fn keep_only(&self, seen: &HashSet<(String, String)>) {
        let gone = self.pods.retain(|namespace, name| seen.contains(&(namespace.to_owned(), name.to_owned())));
        for (namespace, name) in gone {
            self.clusters.trigger(&ClusterKey { namespace, name });
        }
    }
}

/// A sink of its own for each kind.
pub fn child_sink(kind: &'static ChildKind, children: &Children, clusters: &Clusters) -> Arc<ChildSink> {
    Arc::new(ChildSink { kind, children: children.clone(), clusters: clusters.clone() })
}
