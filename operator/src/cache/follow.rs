//! One watch, for as long as it is wanted, that survives whatever happens to the API server.

use std::collections::HashSet;
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

/// Where a watch puts what it is told.
pub trait Sink<K>: Send + Sync {
    type Key: Eq + Hash + Send;

    /// Created or changed.
    fn put(&self, object: K) -> Option<Self::Key>;
    fn remove(&self, object: K);
    /// A new list is complete: what is not in it is gone.
    fn keep_only(&self, seen: &HashSet<Self::Key>);
}

/// How many of the watches have their first list.
#[derive(Debug, Clone)]
pub struct Synced {
    count: Arc<latest::Sender<usize>>,
    expected: usize,
}

impl Synced {
    pub fn of(expected: usize) -> Self {
        Self { count: Arc::new(latest::Sender::new(0)), expected }
    }

    fn one_more(&self) {
        self.count.send_modify(|count| *count += 1);
    }

    pub async fn all(&self) {
        let mut count = self.count.subscribe();
        // The sender lives as long as this does.
        let _ = count.wait_for(|count| *count >= self.expected).await;
    }
}

/// Watches until it is dropped. Errors are told once each time that they begin, and tried again with backoff.
pub async fn follow<K, S>(api: Api<K>, config: watcher::Config, sink: Arc<S>, synced: Synced)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
    S: Sink<K>,
{
    let mut stream = pin!(watch(api, config).default_backoff());
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
                            synced.one_more();
                        }
                    }
                    Event::Apply(object) => drop(sink.put(object)),
                    Event::Delete(object) => sink.remove(object),
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(%error, "a watch broke off and is tried again");
                }
            }
        }
    }
}
