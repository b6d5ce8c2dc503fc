//! `operator run`: waits for the lease, and leads while it has it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::Api;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::{self, Admin};
use crate::cache::patience::Patience;
use crate::context::Settings;
use crate::election::{Elector, Ended, Terms};
use crate::metrics::Metrics;
use crate::runtime;

/// The longest a request may take to be connected.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);
/// Of the first request.
const ANSWER_DEADLINE: Duration = Duration::from_secs(5);
/// Between two attempts to lead after one went wrong.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub api: ApiArgs,
    /// Look only at this namespace. Without it: at all.
    #[arg(long, env = "ELASTIC_CHAT_OPERATOR_NAMESPACE_ONLY")]
    namespace: Option<String>,
    /// Where the operator's own pods and its Lease are.
    #[arg(long, env = "POD_NAMESPACE", default_value = "elastic-chat-system")]
    operator_namespace: String,
    /// Name of this pod; a random part is added.
    #[arg(long, env = "POD_NAME", default_value = "operator")]
    pod_name: String,
    /// Name of the Lease.
    #[arg(long, env = "ELASTIC_CHAT_OPERATOR_LEASE", default_value = "elastic-chat-operator")]
    lease: String,
    /// Where /livez, /readyz and /metrics answer.
    #[arg(long, env = "ELASTIC_CHAT_OPERATOR_ADMIN", default_value = "0.0.0.0:9090")]
    admin: SocketAddr,
    /// Tag of images where a ChatCluster names none. Default: this operator's version.
    #[arg(long, env = "ELASTIC_CHAT_OPERATOR_IMAGE_TAG")]
    image_tag: Option<String>,
    /// Reconciliations that run at once.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=256))]
    concurrency: u16,
    /// Hours after which the tokens of the pods' admin ports are replaced.
    #[arg(long, default_value_t = 720, value_parser = clap::value_parser!(u64).range(1..=87_600))]
    token_hours: u64,
    /// Seconds for which what was read from Secrets counts.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    secrets_seconds: u64,
    /// What to log, in the syntax of RUST_LOG.
    #[arg(long, env = "ELASTIC_CHAT_OPERATOR_LOG", default_value = "info,kube_runtime=warn")]
    log: String,
    /// Log JSON instead of sentences.
    #[arg(long, env = "ELASTIC_CHAT_OPERATOR_LOG_JSON")]
    log_json: bool,
}

/// How the API server is found.
#[derive(Debug, Clone, clap::Args)]
pub struct ApiArgs {
    /// A kubeconfig file. Without it: the pod's service account, or what KUBECONFIG says.
    #[arg(long)]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long)]
    pub context: Option<String>,
}

impl ApiArgs {
    /// # Errors
    /// There is no usable configuration.
    pub async fn client(&self) -> anyhow::Result<Client> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match &self.kubeconfig {
            Some(path) => {
                let file = Kubeconfig::read_from(path).with_context(|| format!("cannot read {}", path.display()))?;
                Config::from_custom_kubeconfig(file, &options).await?
            }
            None if self.context.is_some() => Config::from_kubeconfig(&options).await?,
            None => Config::infer().await.context("no API server: give --kubeconfig, or run in a pod")?,
        };
        config.connect_timeout = Some(CONNECT_DEADLINE);
        Client::try_from(config).context("the API server's configuration can't be used")
    }
}

/// # Errors
/// What keeps it from starting.
pub fn run(args: Args) -> anyhow::Result<()> {
    service_kit::telemetry::init(args.log_json, &args.log)?;
    // Another part may have installed the same one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut registry = Registry::default();
    let metrics = Metrics::register(&mut registry);
    let loop_delay = Arc::new(service_kit::loop_delay::LoopDelay::default());
    service_kit::metrics::register(&mut registry, Arc::clone(&loop_delay));
    let ready = Arc::new(AtomicBool::new(false));
    let listener = tokio::net::TcpListener::bind(args.admin)
        .await
        .with_context(|| format!("cannot listen on {} for the admin port", args.admin))?;
    let client = args.api.client().await?;
    let tasks = TaskTracker::new();
    let answering = CancellationToken::new();
    tasks.spawn(admin::serve(listener, Admin { registry, ready: Arc::clone(&ready) }, answering.clone()));
    tasks.spawn(loop_delay.run(answering.clone()));
    let signals = stop.clone();
    tasks.spawn(async move {
        match service_kit::shutdown::requested().await {
            Ok(signal) => tracing::info!(signal, "ending"),
            Err(error) => tracing::error!(%error, "signals can't be waited for"),
        }
        signals.cancel();
    });
    let led = campaign(&args, &client, &metrics, &ready, &stop).await;
    answering.cancel();
    stop.cancel();
    led
}

/// Until the API server answered once, or `stop` is cancelled. It does not give up: a process that ends is started again
/// after ever longer pauses, and would not be there when it is needed.
async fn reach(client: &Client, stop: &CancellationToken) {
    let mut patience = Patience::default();
    loop {
        let answer = tokio::select! {
            answer = tokio::time::timeout(ANSWER_DEADLINE, client.apiserver_version()) => answer,
            () = stop.cancelled() => return,
        };
        match answer {
            Ok(Ok(_)) => return,
            Ok(Err(error)) => tracing::warn!(%error, "the API server does not answer, and is asked again"),
            Err(_) => tracing::warn!("the API server does not answer in time, and is asked again"),
        }
        tokio::select! {
            () = tokio::time::sleep(patience.next().unwrap_or(PAUSE)) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Waits for the lease, leads, and again, until `stop` is cancelled.
async fn campaign(
    args: &Args,
    client: &Client,
    metrics: &Metrics,
    ready: &AtomicBool,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let identity = format!("{}_{:08x}", args.pod_name, rand::random::<u32>());
    let leases: Api<Lease> = Api::namespaced(client.clone(), &args.operator_namespace);
    let client_of_watches = client.clone();
    let settings = Settings {
        namespace: args.namespace.clone(),
        version: args.image_tag.clone().unwrap_or_else(|| service_kit::build::version().to_owned()),
        operator_namespace: args.operator_namespace.clone(),
        concurrency: args.concurrency,
        token_age: Duration::from_secs(args.token_hours * 3_600),
        secrets_age: Duration::from_secs(args.secrets_seconds),
        ..Settings::default()
    };
    reach(client, stop).await;
    // A standby that never leads is as ready as it can be.
    ready.store(true, Ordering::Relaxed);
    let mut elector = Elector::new(leases, &args.lease, &identity, Terms::default());
    while let Some(leadership) = elector.acquire(stop).await {
        metrics.leader.set(1);
        let ending = CancellationToken::new();
        let (settings, client) = (settings.clone(), client_of_watches.clone());
        let mut lead =
            Box::pin(runtime::lead(settings, client, leadership, metrics.clone(), &identity, ending.clone()));
        let ended = tokio::select! {
            ended = elector.hold(stop) => ended,
            led = &mut lead => {
                drop(lead);
                metrics.leader.set(0);
                elector.release().await;
                if let Err(error) = led {
                    tracing::error!(error = format!("{error:#}"), "leading failed and is tried again");
                }
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if ended == Ended::Stopped {
            // What is under way is finished while the lease is still ours.
            ending.cancel();
            if let Err(error) = lead.as_mut().await {
                tracing::warn!(error = format!("{error:#}"), "leading ended badly");
            }
        } else {
            tracing::warn!(?ended, "this operator no longer leads, and stops at once");
        }
        drop(lead);
        metrics.leader.set(0);
        elector.release().await;
    }
    Ok(())
}
