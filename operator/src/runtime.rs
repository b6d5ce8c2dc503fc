//! What a leader does from taking the lease to losing it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream;
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, DynamicObject};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::apply::Applier;
use crate::cache::children::Children;
use crate::cache::follow::{Synced, follow};
use crate::cache::kinds;
use crate::cache::patience;
use crate::cache::pods::Pods;
use crate::calls::Calls;
use crate::clusters::Clusters;
use crate::context::{Context, Installed, Settings};
use crate::controller;
use crate::controller::source::{self, OURS, PodSink, child_sink};
use crate::election::Leadership;
use crate::events::Events;
use crate::metrics::Metrics;
use crate::scrape::client::AdminClient;

/// Triggers that wait; more are dropped, since whoever asks asks again.
const TRIGGERS: usize = 8_192;
/// A leader that has not seen all there is after so long gives the lease to another.
const FIRST_LISTS: Duration = Duration::from_mins(1);
const PODS: &str = "pods";
/// After being told to stop, what is under way gets so long.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Leads until `stop` is cancelled, or until it is dropped: then everything it began ends at once.
///
/// # Errors
/// The API server can't say which kinds it has.
pub async fn lead(
    settings: Settings,
    client: Client,
    leadership: Leadership,
    metrics: Metrics,
    identity: &str,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let calls = Calls::new(client.clone(), leadership, metrics.clone());
    let begin = Instant::now();
    let installed = tokio::select! {
        installed = installed(&calls) => installed?,
        () = stop.cancelled() => return Ok(()),
    };
    let (triggers, mut triggered) = mpsc::channel(TRIGGERS);
    let children = Children::default();
    let context = Arc::new(Context {
        applier: Applier::new(calls.clone(), children.clone(), metrics.clone()),
        clusters: Clusters::new(triggers),
        events: Events::new(calls.clone(), metrics.clone(), identity),
        admin: AdminClient::new(),
        pods: Pods::default(),
        tasks: TaskTracker::new(),
        calls,
        children,
        metrics,
        installed,
        settings,
    });
    // Dropped with this future: no watch and no loop outlives the leadership.
    let mut watches = JoinSet::new();
    let _loops = EndLoops(Arc::clone(&context));
    let synced = watch(&context, &client, &mut watches);
    tokio::select! {
        done = tokio::time::timeout(FIRST_LISTS, synced.all()) => if done.is_err() {
            // Perhaps another operator is luckier; who decides must not be blind.
            anyhow::bail!("no first list after {} s of: {}", FIRST_LISTS.as_secs(), synced.missing().join(", "));
        },
        () = stop.cancelled() => return Ok(()),
    }
    tracing::info!(seconds = begin.elapsed().as_secs_f64(), "what there is was listed; clusters are looked after");
    let namespace = context.settings.namespace.clone();
    let (store, clusters) = source::chat_clusters(client, namespace.as_deref(), context.clusters.clone());
    let triggers = stream::poll_fn(move |waiting| triggered.poll_recv(waiting));
    let controller = controller::run(Arc::clone(&context), store, clusters, triggers);
    tokio::select! {
        () = controller => anyhow::bail!("the controller ended by itself"),
        () = stop.cancelled() => {}
    }
    context.clusters.clear();
    context.tasks.close();
    if tokio::time::timeout(LAST_WORDS, context.tasks.wait()).await.is_err() {
        tracing::warn!("some loops did not end in time");
    }
    Ok(())
}

/// Ends the loops of all clusters, also when the future that leads is dropped.
struct EndLoops(Arc<Context>);

impl Drop for EndLoops {
    fn drop(&mut self) {
        self.0.clusters.clear();
    }
}

async fn installed(calls: &Calls) -> anyhow::Result<Installed> {
    let client = calls.client();
    let groups = calls.read("list", "API groups".to_owned(), client.list_api_groups()).await?;
    let mut installed = Installed::default();
    for (group, version, plural, found) in [
        (kinds::HTTP_ROUTE.group, "v1", kinds::HTTP_ROUTE.plural, &mut installed.http_routes),
        (kinds::POD_MONITOR.group, "v1", kinds::POD_MONITOR.plural, &mut installed.pod_monitors),
    ] {
        let known = groups.groups.iter().find(|known| known.name == group);
        let served = known.is_some_and(|known| known.versions.iter().any(|served| served.version == version));
        if served {
            let name = format!("{group}/{version}");
            let list = calls.read("list", name.clone(), client.list_api_group_resources(&name)).await?;
            *found = list.resources.iter().any(|resource| resource.name == plural);
        }
    }
    Ok(installed)
}

/// Begins all watches of owned objects.
fn watch(context: &Arc<Context>, client: &Client, watches: &mut JoinSet<()>) -> Synced {
    let namespace = context.settings.namespace.as_deref();
    let installed = context.installed;
    let watched: Vec<_> = kinds::ALL
        .into_iter()
        .filter(|kind| match kind.name {
            "HTTPRoute" => installed.http_routes,
            "PodMonitor" => installed.pod_monitors,
            _ => true,
        })
        .collect();
    let synced = Synced::of(watched.iter().map(|kind| kind.plural).chain([PODS]));
    let config = || patience::config().labels(OURS);
    for kind in watched {
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &kind.resource()),
            None => Api::all_with(client.clone(), &kind.resource()),
        };
        let sink = child_sink(kind, &context.children, &context.clusters);
        watches.spawn(follow(kind.plural, api, config(), sink, synced.clone()));
    }
    let api: Api<Pod> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let sink = Arc::new(PodSink { pods: context.pods.clone(), clusters: context.clusters.clone() });
    watches.spawn(follow(PODS, api, config(), sink, synced.clone()));
    synced
}
