//! One watch, for as long as it is wanted, that survives whatever happens to the API server.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Debug;
use std::hash::Hash;
use std::pin::pin;
use std::sync::Arc;

use futures_util::StreamExt as _;
use kube::Resource;
use kube::api::Api;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use serde::de::DeserializeOwned;
use tokio::sync::watch as latest;

use crate::cache::patience::Patience;

/// Where a watch puts what it is told.
pub trait Sink<K>: Send + Sync {
    type Key: Eq + Hash + Send;

    /// Created or changed.
    fn put(&self, object: K) -> Option<Self::Key>;
    fn remove(&self, object: K);
    /// A new list is complete: what is not in it is gone.
    fn keep_only(&self, seen: &HashSet<Self::Key>);
}

/// Which of the watches have no first list yet.
#[derive(Debug, Clone)]
pub struct Synced {
    missing: Arc<latest::Sender<BTreeSet<&'static str>>>,
}

impl Synced {
    /// Of watches with these names.
    pub fn of(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self { missing: Arc::new(latest::Sender::new(names.into_iter().collect())) }
    }

    fn has(&self, name: &'static str) {
        self.missing.send_modify(|missing| {
            missing.remove(name);
        });
    }

    pub fn missing(&self) -> Vec<&'static str> {
        self.missing.borrow().iter().copied().collect()
    }

    /// Until none is missing. Cancellation safe.
    pub async fn all(&self) {
        let mut missing = self.missing.subscribe();
        // The sender lives as long as this does.
        let _ = missing.wait_for(BTreeSet::is_empty).await;
    }
}

/// Watches until it is dropped. Errors are told once each time that they begin, and tried again with backoff.
pub async fn follow<K, S>(name: &'static str, api: Api<K>, config: watcher::Config, sink: Arc<S>, synced: Synced)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    S: Sink<K>,
{
    let mut stream = pin!(watch(api, config).backoff(Patience::default()));
    let (mut seen, mut listed, mut failing) = (HashSet::new(), false, false);
    while let Some(event) = stream.next().await {
        match event {
            Ok(event) => {
                failing = false;
                match event {
                    Event::Init => seen.clear(),
                    Event::InitApply(object) => seen.extend(sink.put(object)),
                    Event::InitDone => {
                        sink.keep_only(&seen);
                        seen.clear();
                        if !std::mem::replace(&mut listed, true) {
                            synced.has(name);
                        }
                    }
                    Event::Apply(object) => drop(sink.put(object)),
                    Event::Delete(object) => sink.remove(object),
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(watch = name, %error, "a watch broke off and is tried again");
                }
            }
        }
    }
}
