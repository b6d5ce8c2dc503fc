//! What this process knows of each ChatCluster besides what the API server has.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::ResourceExt as _;
use kube::runtime::reflector::ObjectRef;
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::api::ChatCluster;
use crate::autoscale::Observation;
use crate::scrape::client::Tokens;
use crate::status::Written;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterKey {
    pub namespace: String,
    pub name: String,
}

impl ClusterKey {
    pub fn of(cluster: &ChatCluster) -> Self {
        Self { namespace: cluster.namespace().unwrap_or_default(), name: cluster.name_any() }
    }

    pub fn reference(&self) -> ObjectRef<ChatCluster> {
        ObjectRef::new(&self.name).within(&self.namespace)
    }
}

impl std::fmt::Display for ClusterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One ChatCluster that is being looked after.
pub struct Cluster {
    pub key: ClusterKey,
    pub uid: String,
    /// The newest spec that was found valid and applied; what scaling goes by.
    pub applied: RwLock<Option<Arc<ChatCluster>>>,
    pub tokens: RwLock<Tokens>,
    tokens_read: Mutex<Option<Instant>>,
    /// What the scaling loop saw last.
    pub observed: RwLock<Observation>,
    /// What the status said when we last wrote it.
    pub written: Mutex<Written>,
    /// Failures in a row, for the backoff.
    pub failures: Mutex<u32>,
    /// What was read from Secrets, and when.
    pub secrets: Mutex<Option<crate::controller::dereference::Known>>,
    /// Asks the scaling loop not to wait for its next period.
    pub hurry: Notify,
    /// Ends its loop.
    stop: CancellationToken,
}

impl Cluster {
    pub fn tokens_are_young(&self, age: Duration) -> bool {
        self.tokens_read.lock().is_some_and(|read| read.elapsed() < age)
    }

    pub fn take_tokens(&self, tokens: Tokens) {
        *self.tokens.write() = tokens;
        *self.tokens_read.lock() = Some(Instant::now());
    }
}

/// All of them. Cheap to clone.
#[derive(Clone)]
pub struct Clusters {
    all: Arc<RwLock<HashMap<ClusterKey, Arc<Cluster>>>>,
    triggers: mpsc::Sender<ObjectRef<ChatCluster>>,
}

impl Clusters {
    pub fn new(triggers: mpsc::Sender<ObjectRef<ChatCluster>>) -> Self {
        Self { all: Arc::default(), triggers }
    }

    pub fn get(&self, key: &ClusterKey) -> Option<Arc<Cluster>> {
        self.all.read().get(key).cloned()
    }

    /// The entry of a ChatCluster, and whether it is new: then the token ends its loop when the entry goes. One that was
    /// deleted and made anew under the same name is another.
    pub fn enter(&self, cluster: &ChatCluster) -> (Arc<Cluster>, Option<CancellationToken>) {
        let (key, uid) = (ClusterKey::of(cluster), cluster.uid().unwrap_or_default());
        let mut all = self.all.write();
        if let Some(known) = all.get(&key).filter(|known| known.uid == uid) {
            return (Arc::clone(known), None);
        }
        let stop = CancellationToken::new();
        let entry = Arc::new(Cluster {
            key: key.clone(),
            uid,
            applied: RwLock::default(),
            tokens: RwLock::default(),
            tokens_read: Mutex::default(),
            observed: RwLock::default(),
            written: Mutex::new(Written::of(cluster, Instant::now())),
            failures: Mutex::default(),
            secrets: Mutex::default(),
            hurry: Notify::new(),
            stop: stop.clone(),
        });
        if let Some(before) = all.insert(key, Arc::clone(&entry)) {
            before.stop.cancel();
        }
        (entry, Some(stop))
    }

    pub fn remove(&self, key: &ClusterKey) -> bool {
        let removed = self.all.write().remove(key);
        removed.inspect(|entry| entry.stop.cancel()).is_some()
    }

    /// Ends the loops of all others.
    pub fn keep_only(&self, there: &HashSet<ClusterKey>) {
        self.all.write().retain(|key, entry| {
            let stays = there.contains(key);
            if !stays {
                entry.stop.cancel();
            }
            stays
        });
    }

    /// Ends all loops.
    pub fn clear(&self) {
        self.all.write().drain().for_each(|(_, entry)| entry.stop.cancel());
    }

    pub fn len(&self) -> usize {
        self.all.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Asks for a reconciliation. When the queue is full one is coming anyway: whoever asks asks again next period.
    pub fn trigger(&self, key: &ClusterKey) {
        if self.triggers.try_send(key.reference()).is_err() {
            tracing::debug!(cluster = %key, "the queue of reconciliations is full");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_of_a_cluster_that_is_gone_ends_and_one_made_anew_is_another() {
        let (triggers, _triggered) = mpsc::channel(1);
        let clusters = Clusters::new(triggers);
        let cluster = |name: &str, uid: &str| -> ChatCluster {
            serde_json::from_value(serde_json::json!({"apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster",
                "metadata": {"name": name, "namespace": "n", "uid": uid}, "spec": {"profile": "embedded"}}))
            .expect("a ChatCluster")
        };
        let (gone, stays) = (cluster("gone", "a"), cluster("stays", "b"));
        let ended = clusters.enter(&gone).1.expect("it is new");
        let goes_on = clusters.enter(&stays).1.expect("it is new");
        clusters.keep_only(&HashSet::from([ClusterKey::of(&stays)]));
        assert!(ended.is_cancelled() && !goes_on.is_cancelled() && clusters.len() == 1);
        assert!(clusters.enter(&stays).1.is_none());
        assert!(clusters.enter(&cluster("stays", "c")).1.is_some() && goes_on.is_cancelled());
    }
}
