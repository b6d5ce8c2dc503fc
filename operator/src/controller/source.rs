//! Where the controller's triggers come from: ChatClusters, and what they own.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::{Stream, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, DynamicObject};
use kube::core::DeserializeGuard;
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
    let readable =
        kube::runtime::watcher(api, patience::config()).backoff(Patience::default()).filter_map(move |event| {
            let event = match event {
                Ok(event) => readable(event).map(Ok),
                Err(error) => Some(Err(error)),
            };
            if let Some(Ok(Event::Delete(cluster))) = &event {
                clusters.remove(&ClusterKey::of(cluster));
            }
            std::future::ready(event)
        });
    let (reader, writer) = reflector::store();
    let stream = reflector::reflector(writer, readable)
        .applied_objects()
        .predicate_filter(predicates::generation, PredicateConfig::default());
    (reader, stream)
}

fn readable(event: Event<DeserializeGuard<ChatCluster>>) -> Option<Event<ChatCluster>> {
    let read = |guard: DeserializeGuard<ChatCluster>| match guard.0 {
        Ok(mut cluster) => {
            cluster.metadata.managed_fields = None;
            Some(cluster)
        }
        Err(invalid) => {
            let name = invalid.metadata.name.unwrap_or_default();
            let namespace = invalid.metadata.namespace.unwrap_or_default();
            tracing::warn!(namespace, name, error = invalid.error, "a ChatCluster can't be read and is left alone");
            None
        }
    };
    Some(match event {
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
        Event::InitApply(guard) => Event::InitApply(read(guard)?),
        Event::Apply(guard) => Event::Apply(read(guard)?),
        Event::Delete(guard) => Event::Delete(read(guard)?),
    })
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
