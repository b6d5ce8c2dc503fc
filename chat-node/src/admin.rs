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

use crate::{Failure, Node, drain};

pub fn router(node: &Arc<Node>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/load", get(load))
        .route("/drain", post(begin_drain))
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

/// What the operator scales by. Totals since the start: whoever asks twice has rates.
#[derive(Serialize)]
struct Load {
    state: &'static str,
    connections: usize,
    conversations: usize,
    handshakes_total: u64,
    messages_total: u64,
    deliveries_total: u64,
    egress_backlog_bytes: usize,
    resident_bytes: u64,
    cpu_seconds: f64,
    event_loop_delay_ms: f64,
}

async fn load(State(node): App) -> Json<Load> {
    let process = service_kit::process::reading();
    let connections = node.delivery.connections.all();
    Json(Load {
        state: if node.drain.begun() { "draining" } else { "serving" },
        connections: connections.len(),
        conversations: node.delivery.hubs.count(),
        handshakes_total: node.counters.handshakes.get(),
        messages_total: node.counters.messages.get(),
        deliveries_total: node.counters.deliveries.get(),
        egress_backlog_bytes: connections.iter().map(|connection| connection.outbox.backlog()).sum(),
        resident_bytes: process.resident_bytes,
        cpu_seconds: process.cpu_seconds,
        event_loop_delay_ms: node.loop_delay.milliseconds(),
    })
}

#[derive(Deserialize)]
struct DrainQuery {
    /// Over how many seconds clients are asked to leave.
    seconds: Option<u64>,
}

async fn begin_drain(State(node): App, Query(query): Query<DrainQuery>) -> StatusCode {
    let seconds = query.seconds.unwrap_or(node.config.drain_seconds).min(3_600);
    drain::begin(&node, GoawayReason::Drain, Duration::from_secs(seconds));
    StatusCode::ACCEPTED
}
