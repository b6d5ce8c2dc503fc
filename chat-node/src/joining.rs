//! Before a node of a cluster serves: it waits for the systems behind it, and tells what is missing. It never half-starts.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use chat_cluster::{Adapters, Health, health};
use rand::RngExt as _;
use serde_json::json;
use service_kit::admin::{AdminAccess, Identity, guard};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::listener::{self, Reserved};
use crate::load::Load;

/// Between two looks at what was missing.
const PAUSE: Duration = Duration::from_millis(300);
/// What is missing is told from this look on, and the same problem again after so many.
const FIRST_TOLD: u32 = 3;
const TOLD_AGAIN: u32 = 30;

/// Returns when every backend answers. Until then `/readyz` of the admin port says why not.
///
/// # Errors
/// The admin port can't be listened on.
pub async fn wait_for(
    adapters: &Adapters,
    admin: &Reserved,
    identity: &Identity,
    access: &Arc<AdminAccess>,
) -> anyhow::Result<()> {
    let (sender, _stop) = answer_meanwhile(admin, identity, access)?;
    let (mut told, mut looks) = (Vec::new(), 0u32);
    loop {
        let now = health(&*adapters.log, &*adapters.tail, &*adapters.store).await;
        let missing: Vec<(&str, String)> =
            now.iter().filter_map(|health| Some((health.name, health.problem.clone()?))).collect();
        sender.send_replace(now.to_vec());
        if missing.is_empty() {
            return Ok(());
        }
        // The first looks come before any connection can be there.
        if looks >= FIRST_TOLD && (missing != told || looks.is_multiple_of(TOLD_AGAIN)) {
            for (name, problem) in &missing {
                tracing::warn!(backend = name, problem, "waiting for a backend");
            }
            told = missing;
        }
        looks += 1;
        let jittered = PAUSE.mul_f64(rand::rng().random_range(0.5..1.5));
        tokio::time::sleep(jittered).await;
    }
}

/// Serves the admin port until the guard is dropped.
fn answer_meanwhile(
    admin: &Reserved,
    identity: &Identity,
    access: &Arc<AdminAccess>,
) -> anyhow::Result<(watch::Sender<Vec<Health>>, DropGuard)> {
    let (sender, receiver) = watch::channel(Vec::new());
    let identity = identity.clone();
    let guarded = Router::new()
        .route("/load", get(move || async move { Json(Load::starting(&identity)) }))
        .route("/drain", any(too_early))
        .route("/shed", any(too_early));
    let router = guard(guarded, access)
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(move || async move { not_ready(&receiver.borrow()) }));
    let stop = CancellationToken::new();
    let tasks = TaskTracker::new();
    tasks.spawn(listener::serve(admin.listen()?, router, stop.clone(), tasks.clone()));
    tracing::info!(admin_address = %admin.address, "joining the cluster");
    Ok((sender, stop.drop_guard()))
}

async fn too_early() -> (StatusCode, &'static str) {
    (StatusCode::SERVICE_UNAVAILABLE, "the node is starting: there is nobody to be asked to leave\n")
}

fn not_ready(health: &[Health]) -> Response {
    let checks: Vec<_> = health
        .iter()
        .map(|Health { name, problem }| {
            json!({"name": name, "ok": problem.is_none(), "detail": problem.as_deref().unwrap_or("ok")})
        })
        .collect();
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"ready": false, "checks": checks}))).into_response()
}

/// The signing key that all nodes share, from the store.
///
/// # Errors
/// The store refuses.
pub async fn shared_key(adapters: &Adapters) -> anyhow::Result<[u8; 32]> {
    loop {
        match adapters.shared_secret("signing-key", rand::random()).await {
            Ok(key) => return Ok(key),
            Err(error) if error.retryable() => tracing::warn!(%error, "waiting for the signing key"),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
