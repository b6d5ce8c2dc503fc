//! Brings each ChatCluster to what its spec says: dereference → validate → build → apply → status.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use kube::runtime::Controller;
use kube::runtime::controller::{Action, Config, Error as ControllerError};
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher;
use rand::RngExt as _;

use crate::api::ChatCluster;
use crate::cache::patience::Patience;
use crate::clusters::ClusterKey;
use crate::context::Context;
use crate::controller::reconcile::ReconcileError;
use crate::metrics::ErrorLabels;

pub mod admin_tokens;
pub mod build;
pub mod dereference;
pub mod reconcile;
pub mod refusals;
pub mod source;
pub mod validate;

/// The first wait after a failure, and the longest. Each failure in a row doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_mins(5);
/// Of one reconciliation: one that hangs gives its place to others.
const DEADLINE: Duration = Duration::from_secs(90);

/// Runs until its stream of triggers ends or the future is dropped.
pub async fn run(
    context: Arc<Context>,
    store: Store<ChatCluster>,
    clusters: impl futures_util::Stream<Item = Result<ChatCluster, watcher::Error>> + Send + 'static,
    triggers: impl futures_util::Stream<Item = ObjectRef<ChatCluster>> + Send + 'static,
) {
    let concurrency = context.settings.concurrency;
    Controller::for_stream(clusters, store)
        .with_config(Config::default().concurrency(concurrency))
        .reconcile_on(triggers)
        .trigger_backoff(Patience::default())
        .run(timed, after_failure, Arc::clone(&context))
        .for_each(|result| {
            match result {
                // It was removed between the trigger and now.
                Ok(_) | Err(ControllerError::ObjectNotFound(_) | ControllerError::ReconcilerFailed(..)) => {}
                Err(error) => tracing::warn!(%error, "the stream of ChatClusters"),
            }
            std::future::ready(())
        })
        .await;
}

async fn timed(cluster: Arc<ChatCluster>, context: Arc<Context>) -> Result<Action, ReconcileError> {
    let begin = Instant::now();
    let done = tokio::time::timeout(DEADLINE, reconcile::reconcile(&cluster, &context)).await;
    context.metrics.reconcile_seconds.observe(begin.elapsed().as_secs_f64());
    let done = done.unwrap_or(Err(ReconcileError::Deadline(DEADLINE)));
    if done.is_ok()
        && let Some(entry) = context.clusters.get(&ClusterKey::of(&cluster))
    {
        *entry.failures.lock() = 0;
    }
    done
}

/// Each cluster waits for itself only.
#[allow(clippy::needless_pass_by_value)] // as the controller calls it
fn after_failure(cluster: Arc<ChatCluster>, error: &ReconcileError, context: Arc<Context>) -> Action {
    context.metrics.reconcile_errors.get_or_create(&ErrorLabels { cause: error.label() }).inc();
    let key = ClusterKey::of(&cluster);
    let failures = context.clusters.get(&key).map_or(1, |entry| {
        let mut failures = entry.failures.lock();
        *failures = failures.saturating_add(1);
        *failures
    });
    let wait = wait_after(failures).mul_f64(rand::rng().random_range(0.8..1.2));
    if failures == 1 || failures.is_power_of_two() {
        tracing::warn!(cluster = %key, failures, %error, "a reconciliation failed");
    }
    Action::requeue(wait)
}

fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.clamp(1, 16).saturating_sub(1)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<u64> = [0, 1, 2, 3, 9, 10, u32::MAX].map(|failures| wait_after(failures).as_secs()).to_vec();
        assert_eq!(waits, [1, 1, 2, 4, 256, 300, 300]);
    }
}
