//! One loop for each cluster: ask the pods, decide, and move towards what was decided.
//!
//! Loops know nothing of each other, so a cluster whose pods hang delays only itself.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use crate::api::ChatCluster;
use crate::autoscale::fleet::Complaint;
use crate::autoscale::gateway_scaling::GatewayScaling;
use crate::autoscale::writer_scaling::WriterScaling;
use crate::cache::children::ChildKey;
use crate::cache::kinds;
use crate::cache::pods::{Component, PodView};
use crate::clusters::Cluster;
use crate::context::Context;
use crate::metrics::ClusterLabels;
use crate::rebalance::Rebalancing;
use crate::scrape::client::Check;

pub mod act;
pub mod boot;
pub mod fleet;
pub mod gateway_scaling;
pub mod gateways;
pub mod observation;
pub mod past;
pub mod writer_scaling;
pub mod writers;

pub use observation::Observation;

const PERIOD: Duration = Duration::from_secs(2);
/// Every so many periods pods are asked about their backends.
const READINESS_EVERY: u32 = 5;
/// A period is given up after so long: one that hangs must not stop the loop.
const PERIOD_DEADLINE: Duration = Duration::from_secs(30);

/// What a loop remembers between its periods.
struct Scaling {
    started: Instant,
    periods: u32,
    gateways: GatewayScaling,
    writers: WriterScaling,
    rebalancing: Rebalancing,
    checks: Vec<(String, Check)>,
    sessions_cut: f64,
}

/// Both clocks of one period, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    pub monotonic: f64,
    /// Since the Unix epoch.
    pub unix: f64,
}

impl Now {
    fn since(started: Instant) -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self { monotonic: started.elapsed().as_secs_f64(), unix }
    }
}

/// Looks after `cluster` until `stop` is cancelled.
pub async fn run(context: Arc<Context>, cluster: Arc<Cluster>, first: ChatCluster, stop: CancellationToken) {
    let mut scaling = Scaling {
        started: Instant::now(),
        periods: 0,
        gateways: GatewayScaling::remembering(&first),
        writers: WriterScaling::remembering(&first),
        rebalancing: Rebalancing::default(),
        checks: Vec::new(),
        sessions_cut: 0.0,
    };
    drop(first);
    // Before its pods are made: only those that are seen from their beginning say how long they boot.
    let pods = context.pods.of(&cluster.key.namespace, &cluster.key.name);
    scaling.gateways.look(&of(&pods, Component::Gateway), Now::since(scaling.started).unix);
    drop(pods);
    // Hundreds of clusters that begin together must not ask together.
    let mut pause = PERIOD.mul_f64(rand::rng().random_range(0.05..1.0));
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = cluster.hurry.notified() => {}
            () = stop.cancelled() => break,
        }
        let begin = Instant::now();
        let applied = cluster.applied.read().clone();
        if let Some(applied) = applied {
            let period = scaling.period(&context, &cluster, &applied);
            tokio::select! {
                ended = tokio::time::timeout(PERIOD_DEADLINE, period) => if ended.is_err() {
                    tracing::warn!(cluster = %cluster.key, "a period of scaling took too long and was given up");
                },
                () = stop.cancelled() => break,
            }
        }
        pause = PERIOD.saturating_sub(begin.elapsed()).max(Duration::from_millis(200));
    }
    context.metrics.forget(&cluster.key.namespace, &cluster.key.name);
}

impl Scaling {
    async fn period(&mut self, context: &Context, cluster: &Cluster, applied: &ChatCluster) {
        let pods = context.pods.of(&cluster.key.namespace, &cluster.key.name);
        let (gateways, writers) = (of(&pods, Component::Gateway), of(&pods, Component::Writer));
        let tokens = cluster.tokens.read().clone();
        let now = Now::since(self.started);
        let (failed, also) = tokio::join!(
            self.gateways.fleet.scrape(&context.admin, &tokens, &gateways, now.monotonic, &context.metrics),
            self.writers.fleet.scrape(&context.admin, &tokens, &writers, now.monotonic, &context.metrics),
        );
        for (uid, error) in failed.iter().chain(&also) {
            let pod = pods.iter().find(|pod| pod.uid == *uid).map_or(uid.as_str(), |pod| &pod.name);
            tracing::debug!(cluster = %cluster.key, pod, %error, "a pod did not say its load");
        }
        if self.periods.is_multiple_of(READINESS_EVERY) {
            self.checks = readiness(context, &gateways, &writers).await;
        }
        self.periods = self.periods.wrapping_add(1);
        let now = Now::since(self.started);
        self.gateways.look(&gateways, now.unix);
        let acting = !applied.spec.paused && context.calls.leadership().leads();
        if acting && applied.spec.is_distributed() {
            self.gateways.period(context, cluster, applied, &gateways, now).await;
            self.writers.period(context, cluster, applied, &writers, now).await;
            let rebalance = applied.spec.gateways().rebalance;
            self.rebalancing.period(context, cluster, &rebalance, &self.gateways.fleet, &gateways, now.monotonic).await;
        }
        self.publish(context, cluster, applied, &gateways, &writers, now);
    }

    /// Leaves what was seen for the status, and asks for it to be written when it differs enough.
    fn publish(
        &mut self,
        context: &Context,
        cluster: &Cluster,
        applied: &ChatCluster,
        gateways: &[Arc<PodView>],
        writers: &[Arc<PodView>],
        now: Now,
    ) {
        let cut = self.gateways.fleet.sessions_cut();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // counts of sessions
        context.metrics.sessions_cut.inc_by((cut - self.sessions_cut).max(0.0) as u64);
        self.sessions_cut = cut;
        let mut complaints: Vec<Complaint> = self.gateways.fleet.complaints(gateways);
        complaints.extend(self.writers.fleet.complaints(writers));
        let observation = Observation {
            taken: self.periods,
            generation: applied.metadata.generation,
            gateways: self.gateways.observation(gateways, now),
            writers: self.writers.observation(writers, now),
            complaints,
            checks: self.checks.clone(),
        };
        if let Some(age) = observation.gateways.metrics_age_seconds {
            let labels = ClusterLabels { namespace: cluster.key.namespace.clone(), name: cluster.key.name.clone() };
            context.metrics.metric_age.get_or_create(&labels).set(age);
        }
        *cluster.observed.write() = observation;
        let due = cluster.written.lock().due(applied, &cluster.observed.read(), Instant::now());
        if due {
            context.clusters.trigger(&cluster.key);
        }
    }
}

fn of(pods: &[Arc<PodView>], component: Component) -> Vec<Arc<PodView>> {
    pods.iter().filter(|pod| pod.component == component).cloned().collect()
}

/// What the pods say of their backends; only what is wrong, or one line that all is well.
async fn readiness(context: &Context, gateways: &[Arc<PodView>], writers: &[Arc<PodView>]) -> Vec<(String, Check)> {
    /// With so many saying the same, the others need not be asked.
    const ASKED: usize = 8;
    let mut questions = Vec::new();
    for pod in gateways.iter().take(ASKED).chain(writers.iter().take(ASKED)) {
        let Some(address) = fleet::address(pod).filter(|_| !pod.ended && !pod.pending) else { continue };
        let name = pod.name.clone();
        questions.push(async move { (name, context.admin.readiness(address).await) });
    }
    let answers = futures_util::future::join_all(questions).await;
    answers
        .into_iter()
        .filter_map(|(pod, answer)| Some((pod, answer.ok()?)))
        .flat_map(|(pod, readiness)| readiness.checks.into_iter().map(move |check| (pod.clone(), check)))
        .collect()
}

/// Key of the workload of one component. Embedded nodes and writers are StatefulSets.
pub fn workload(cluster: &Cluster, component: Component, distributed: bool) -> ChildKey {
    let (kind, suffix) = match component {
        Component::Gateway if distributed => (&kinds::DEPLOYMENT, "gateway"),
        Component::Gateway => (&kinds::STATEFUL_SET, "gateway"),
        Component::Writer => (&kinds::STATEFUL_SET, "writer"),
        Component::Web => (&kinds::DEPLOYMENT, "web"),
        Component::Migrate => (&kinds::JOB, "migrate"),
    };
    ChildKey { kind, namespace: cluster.key.namespace.clone(), name: format!("{}-{suffix}", cluster.key.name) }
}
