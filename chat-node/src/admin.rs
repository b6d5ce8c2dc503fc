//! The admin port: for the operator, the orchestrator and the person on call. Never exposed to clients.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chat_cluster::{Health, health};
use chat_wire::GoawayReason;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::admin::{AdminAccess, guard};

use crate::load::Load;
use crate::{Failure, Node, drain};

/// For asking everybody to leave.
const MOST_SECONDS: u64 = 3_600;
const SHED_SECONDS: u64 = 10;

pub fn router(node: &Arc<Node>) -> Router {
    let access = AdminAccess::new(node.config.admin_token_file.clone());
    let guarded = Router::new()
        .route("/load", get(load))
        .route("/drain", post(begin_drain).delete(cancel_drain))
        .route("/shed", post(shed));
    guard(guarded, &access)
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(Arc::clone(node))
}

type App = State<Arc<Node>>;

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

/// A node that is ready may be degraded: a backend is away, and what goes without it goes on.
#[derive(Serialize)]
struct Readiness {
    ready: bool,
    degraded: bool,
    checks: Vec<Check>,
}

async fn readyz(State(node): App) -> Response {
    let backends = &node.backends;
    let health = health(&*backends.log, &*backends.tail, &*backends.store).await;
    let ready = node.readiness.judge(&health, Instant::now());
    let mut checks: Vec<Check> = health
        .into_iter()
        .map(|Health { name, problem }| Check {
            name,
            ok: problem.is_none(),
            detail: problem.unwrap_or_else(|| "ok".to_owned()),
        })
        .collect();
    let degraded = checks.iter().any(|check| !check.ok);
    let draining = node.drain.begun();
    let detail = if draining { "draining: clients are leaving" } else { "taking connections" };
    checks.push(Check { name: "drain", ok: !draining, detail: detail.to_owned() });
    let ready = ready && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, degraded, checks })).into_response()
}

async fn metrics(State(node): App) -> Response {
    node.counters.conversations_live.set(i64::try_from(node.delivery.hubs.count()).unwrap_or(i64::MAX));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &node.registry) {
        Ok(()) => {
            ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
        }
        Err(error) => Failure::internal("metrics", &error).into_response(),
    }
}

async fn load(State(node): App) -> Json<Load> {
    Json(Load::of(&node))
}

#[derive(Deserialize)]
struct DrainQuery {
    /// Over how many seconds clients are asked to leave.
    seconds: Option<u64>,
}

async fn begin_drain(State(node): App, Query(query): Query<DrainQuery>) -> Response {
    let seconds = query.seconds.unwrap_or(node.config.drain_seconds);
    if seconds > MOST_SECONDS {
        return bad_request(&format!("seconds is {seconds}, at most {MOST_SECONDS} are possible"));
    }
    tracing::info!(target: "audit", seconds, "a drain was asked for");
    let status = drain::begin(&node, GoawayReason::Drain, Duration::from_secs(seconds)).await;
    (StatusCode::ACCEPTED, Json(status)).into_response()
}

async fn cancel_drain(State(node): App) -> Response {
    tracing::info!(target: "audit", "a drain is to be taken back");
    match drain::cancel(&node) {
        Ok(status) => (StatusCode::OK, Json(status)).into_response(),
        Err(drain::Ending) => {
            (StatusCode::CONFLICT, "the process ends: its drain can't be taken back\n").into_response()
        }
    }
}

#[derive(Deserialize)]
struct ShedQuery {
    connections: usize,
    /// Over how many seconds they are asked to leave.
    seconds: Option<u64>,
}

async fn shed(State(node): App, Query(query): Query<ShedQuery>) -> Response {
    let seconds = query.seconds.unwrap_or(SHED_SECONDS);
    if seconds > MOST_SECONDS {
        return bad_request(&format!("seconds is {seconds}, at most {MOST_SECONDS} are possible"));
    }
    tracing::info!(target: "audit", connections = query.connections, seconds, "connections are to be shed");
    let shed = drain::shed(&node, query.connections, Duration::from_secs(seconds));
    (StatusCode::ACCEPTED, Json(json!({"shed": shed}))).into_response()
}

fn bad_request(sentence: &str) -> Response {
    (StatusCode::BAD_REQUEST, format!("{sentence}\n")).into_response()
}
