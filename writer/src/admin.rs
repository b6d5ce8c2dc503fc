//! The admin port: for the operator, the orchestrator and the person on call. Never exposed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use chat_kafka::{ConsumerStatus, Lag};
use chat_ports::PortError;
use prometheus_client::registry::Registry;
use serde::Serialize;
use service_kit::admin::{About, AdminAccess, Identity, guard};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::metrics::Total;
use crate::pipeline::Pipeline;

/// A readiness check that takes longer has failed.
const CHECK_DEADLINE: Duration = Duration::from_secs(3);
/// From one look at the backends to the next, for metrics.
const WATCH_PERIOD: Duration = Duration::from_secs(5);

pub(crate) struct Admin {
    pub pipeline: Arc<Pipeline>,
    pub registry: Registry,
    pub identity: Identity,
    pub stopping: CancellationToken,
}

/// Answers until `stop` is cancelled.
pub(crate) async fn serve(listener: TcpListener, admin: Arc<Admin>, access: Arc<AdminAccess>, stop: CancellationToken) {
    let router = guard(Router::new().route("/load", get(load)), &access)
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(admin)
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        result = axum::serve(listener, router) => {
            if let Err(error) = result {
                tracing::error!(%error, "the admin port broke");
            }
        }
        () = stop.cancelled() => {}
    }
}

type App = State<Arc<Admin>>;

#[derive(Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    checks: Vec<Check>,
}

/// What the check says, and what the calls of the work itself said.
async fn check(name: &'static str, call: impl Future<Output = Result<(), PortError>>, health: &Health) -> Check {
    let problem = match tokio::time::timeout(CHECK_DEADLINE, call).await {
        Ok(Ok(())) => health.failure().map(|(seconds, error)| format!("{error} (for {seconds} s)")),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("no answer in 3 s".to_owned()),
    };
    Check { name, ok: problem.is_none(), detail: problem.unwrap_or_else(|| "ok".to_owned()) }
}

async fn checks(admin: &Admin) -> Vec<Check> {
    let pipeline = &admin.pipeline;
    let (store, tail, dead) = tokio::join!(
        check("store", pipeline.backends.store.check(), &pipeline.store_health),
        check("tail", pipeline.backends.tail.check(), &pipeline.tail_health),
        check("dead letters", pipeline.dead.check(), &pipeline.dead_health),
    );
    let log = match pipeline.consumer.status() {
        ConsumerStatus::Reading { partitions } => {
            Check { name: "log", ok: true, detail: format!("reading {partitions} partitions") }
        }
        ConsumerStatus::Trying { detail } => Check { name: "log", ok: false, detail },
    };
    vec![log, store, tail, dead]
}

/// Looks at the backends for `/metrics` until `stop` is cancelled: a scrape must not wait for one that hangs.
pub(crate) async fn watch_backends(admin: Arc<Admin>, stop: CancellationToken) {
    loop {
        let look = async {
            for Check { name, ok, .. } in checks(&admin).await {
                let label = if name == "dead letters" { "dead_letters" } else { name };
                admin.pipeline.counters.read_health(label, ok);
            }
            tokio::time::sleep(WATCH_PERIOD).await;
        };
        if stop.run_until_cancelled(look).await.is_none() {
            return;
        }
    }
}

async fn readyz(State(admin): App) -> Response {
    let checks = checks(&admin).await;
    let ready = checks.iter().all(|check| check.ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, checks })).into_response()
}

async fn metrics(State(admin): App) -> Response {
    let (consumer, counters) = (&admin.pipeline.consumer, &admin.pipeline.counters);
    counters.read_lag(&consumer.lag(), consumer.bytes());
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &admin.registry) {
        Ok(()) => {
            ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// What the operator scales by. Totals since the start: whoever asks twice has rates.
#[derive(Serialize)]
struct Load {
    #[serde(flatten)]
    about: About,
    /// `joining`, `reading` or `stopping`.
    state: &'static str,
    lag_records: u64,
    lag_seconds: f64,
    uncommitted_records: u64,
    records_total: u64,
    rows_total: u64,
    batches_total: u64,
    batch_seconds_total: f64,
    /// The store did not take the last batch: it is tried again until it does.
    store_blocked: bool,
    assigned_partitions: usize,
    held_bytes: usize,
    cpu_seconds: f64,
    resident_bytes: u64,
    /// By topic and number.
    partitions: Vec<PartitionLoad>,
}

#[derive(Serialize)]
struct PartitionLoad {
    topic: String,
    partition: i32,
    lag_records: u64,
    lag_seconds: f64,
    /// Everything below is in the store; null before anything of the partition was committed.
    stored_offset: Option<i64>,
}

impl From<Lag> for PartitionLoad {
    fn from(lag: Lag) -> Self {
        Self {
            topic: lag.topic.to_string(),
            partition: lag.partition,
            lag_records: lag.records,
            lag_seconds: lag.seconds,
            stored_offset: lag.stored,
        }
    }
}

async fn load(State(admin): App) -> Json<Load> {
    let (process, pipeline) = (service_kit::process::reading(), &admin.pipeline);
    let mut lag = pipeline.consumer.lag();
    lag.sort_by(|one, other| (&one.topic, one.partition).cmp(&(&other.topic, other.partition)));
    let total = Total::of(&lag);
    let state = match pipeline.consumer.status() {
        _ if admin.stopping.is_cancelled() => "stopping",
        ConsumerStatus::Reading { .. } => "reading",
        ConsumerStatus::Trying { .. } => "joining",
    };
    Json(Load {
        about: admin.identity.about(),
        state,
        lag_records: total.records,
        lag_seconds: total.seconds,
        uncommitted_records: total.uncommitted,
        records_total: pipeline.counters.records.get(),
        rows_total: pipeline.counters.rows.get(),
        batches_total: pipeline.counters.batches.get(),
        batch_seconds_total: pipeline.counters.batch_seconds.get(),
        store_blocked: pipeline.store_health.failure().is_some(),
        assigned_partitions: lag.len(),
        held_bytes: pipeline.consumer.bytes(),
        cpu_seconds: process.cpu_seconds,
        resident_bytes: process.resident_bytes,
        partitions: lag.into_iter().map(PartitionLoad::from).collect(),
    })
}
