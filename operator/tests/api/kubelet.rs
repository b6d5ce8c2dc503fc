//! What a kubelet and chat nodes do: a status for every pod, and the admin protocol at its address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get as route_get, post};
use axum::{Json, Router};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use k8s_openapi::api::core::v1::{Pod, Secret};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::{Client, ResourceExt as _};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::real::RealNode;
use crate::rig::Rig;

pub const PORT: u16 = 9090;
const COMPONENT: &str = "app.kubernetes.io/component";

/// What one pod is, and what it was asked.
#[derive(Debug, Clone)]
pub struct Node {
    pub name: String,
    pub component: String,
    pub connections: f64,
    pub draining: bool,
    pub born: Instant,
    /// Requests that changed something, in their order: `drain`, `take-back`, `shed`.
    pub asked: Vec<&'static str>,
    /// It answers nothing.
    pub silent: bool,
    /// Said instead of the truth.
    pub lie: Option<Value>,
    /// Connections that leave in a second while it drains.
    pub leaving: f64,
    pub checks: Value,
    /// The status that its kubelet keeps it in: never ready, with this reason.
    pub stuck: Option<(&'static str, &'static str)>,
    /// The tokens that it accepts. Empty: any.
    tokens: Vec<String>,
    drained_at: Instant,
}

#[derive(Default)]
pub struct Nodes {
    pub by_name: HashMap<String, Node>,
    /// Gateways are real chat nodes.
    pub real: bool,
    /// The address of each of those.
    pub addresses: HashMap<String, IpAddr>,
    /// How new pods are made.
    pub newborn: Option<fn(&mut Node)>,
    /// Names of pods that were deleted while they had connections that their drain had not given up.
    pub cut: Vec<String>,
}

type Shared = Arc<Mutex<Nodes>>;

pub struct Kubelet {
    pub nodes: Shared,
    tasks: JoinSet<()>,
}

impl Kubelet {
    pub fn begin(rig: &Rig) -> Self {
        let nodes = Shared::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(run(rig.client.clone(), rig.namespace.clone(), Arc::clone(&nodes)));
        Self { nodes, tasks }
    }

    pub fn gateways(&self) -> Vec<Node> {
        let nodes = self.nodes.lock();
        nodes.by_name.values().filter(|node| node.component == "gateway").cloned().collect()
    }

    pub fn each(&self, change: impl Fn(&mut Node)) {
        self.nodes.lock().by_name.values_mut().filter(|node| node.component == "gateway").for_each(change);
    }

    pub fn with(&self, name: &str, change: impl FnOnce(&mut Node)) {
        change(self.nodes.lock().by_name.get_mut(name).expect("the pod"));
    }

    pub async fn end(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn run(client: Client, namespace: String, nodes: Shared) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let secrets: Api<Secret> = Api::namespaced(client, &namespace);
    let network: u8 = rand::random();
    let mut servers: HashMap<String, Server> = HashMap::new();
    let mut next: u16 = rand::random();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Ok(list) = pods.list(&ListParams::default()).await else { continue };
        let names: Vec<String> = list.items.iter().map(kube::ResourceExt::name_any).collect();
        servers.retain(|name, _| names.contains(name));
        {
            let mut nodes = nodes.lock();
            let gone: Vec<Node> = nodes.by_name.values().filter(|node| !names.contains(&node.name)).cloned().collect();
            for node in gone {
                if node.connections > 0.0 && node.component == "gateway" {
                    nodes.cut.push(node.name.clone());
                }
                nodes.by_name.remove(&node.name);
            }
            for node in nodes.by_name.values_mut().filter(|node| node.draining) {
                let seconds = node.drained_at.elapsed().as_secs_f64();
                node.drained_at = Instant::now();
                node.connections = (node.connections - node.leaving * seconds).max(0.0).floor();
            }
        }
        for pod in &list.items {
            let name = pod.name_any();
            if let Some(server) = servers.get_mut(&name) {
                if let Server::Real(node) = server {
                    let (ready, tokens) = (node.is_ready().await, tokens(pod, &secrets).await);
                    node.take_tokens(&tokens);
                    nodes.lock().by_name.entry(name.clone()).and_modify(|known| known.draining = !ready);
                }
                status(&pods, &nodes, pod, None).await;
                continue;
            }
            // 127.a.b.c: no two pods share an address, and hardly two tests; a taken one is tried again.
            let [high, low] = next.to_be_bytes();
            let ip = Ipv4Addr::new(127, network.max(1), high, low.clamp(1, 254));
            next = next.wrapping_add(1);
            born(&nodes, pod, &secrets).await;
            let is_real = nodes.lock().real && pod.labels().get(COMPONENT).is_some_and(|name| name == "gateway");
            let server = if is_real {
                nodes.lock().addresses.insert(name.clone(), IpAddr::V4(ip));
                Some(Server::Real(Box::new(RealNode::start(ip, &tokens(pod, &secrets).await))))
            } else {
                serve(&nodes, &name, ip).await.map(Server::Played)
            };
            let Some(server) = server else { continue };
            if is_real {
                // Until its probe says otherwise.
                nodes.lock().by_name.entry(name.clone()).and_modify(|node| node.draining = true);
            }
            servers.insert(name.clone(), server);
            status(&pods, &nodes, pod, Some(IpAddr::V4(ip))).await;
        }
    }
}

/// What answers at a pod's address, for as long as the pod is there.
enum Server {
    Played(#[allow(dead_code)] JoinSet<()>), // ends with it
    Real(Box<RealNode>),
}

/// What the pod would find in its file of tokens.
async fn tokens(pod: &Pod, secrets: &Api<Secret>) -> String {
    let cluster = pod.labels().get("app.kubernetes.io/instance").cloned().unwrap_or_default();
    let secret = secrets.get_opt(&format!("{cluster}-admin")).await.ok().flatten();
    let tokens = secret.and_then(|secret| secret.data?.remove("token")).map(|token| token.0).unwrap_or_default();
    String::from_utf8_lossy(&tokens).into_owned()
}

async fn born(nodes: &Shared, pod: &Pod, secrets: &Api<Secret>) {
    let tokens = tokens(pod, secrets).await.lines().map(str::to_owned).collect();
    let mut node = Node {
        name: pod.name_any(),
        component: pod.labels().get(COMPONENT).cloned().unwrap_or_default(),
        connections: 0.0,
        draining: false,
        born: Instant::now(),
        asked: Vec::new(),
        silent: false,
        lie: None,
        leaving: 50.0,
        checks: json!([{"name": "log", "ok": true, "detail": "ok"}]),
        stuck: None,
        tokens,
        drained_at: Instant::now(),
    };
    let mut nodes = nodes.lock();
    if let Some(newborn) = nodes.newborn {
        newborn(&mut node);
    }
    nodes.by_name.insert(node.name.clone(), node);
}

/// As a kubelet: ready unless it drains, and never when it is stuck. Written only when it differs.
async fn status(pods: &Api<Pod>, nodes: &Shared, pod: &Pod, ip: Option<IpAddr>) {
    let Some(node) = nodes.lock().by_name.get(&pod.name_any()).cloned() else { return };
    let now = pod.status.as_ref();
    let conditions = now.and_then(|status| status.conditions.clone()).unwrap_or_default();
    let is_ready = conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True");
    let ready = !node.draining && node.stuck.is_none();
    if ip.is_none() && is_ready == ready {
        return;
    }
    let flag = if ready { "True" } else { "False" };
    let mut status = json!({
        "phase": if node.stuck.is_some() { "Pending" } else { "Running" },
        "conditions": [{"type": "Ready", "status": flag, "lastTransitionTime": Timestamp::now()}],
    });
    if let Some(ip) = ip {
        status["podIP"] = json!(ip);
        status["podIPs"] = json!([{"ip": ip}]);
    }
    if let Some((reason, message)) = node.stuck {
        status["containerStatuses"] = json!([{"name": "chat-node", "image": "i", "imageID": "", "ready": false,
            "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}}]);
    }
    if node.component == "migrate" {
        status["phase"] = json!("Succeeded");
    }
    let patch = json!({"status": status});
    let _ = pods.patch_status(&pod.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await;
}

#[derive(Clone)]
struct App {
    nodes: Shared,
    name: String,
}

async fn serve(nodes: &Shared, name: &str, ip: Ipv4Addr) -> Option<JoinSet<()>> {
    let listener = tokio::net::TcpListener::bind((ip, PORT)).await.ok()?;
    let app = App { nodes: Arc::clone(nodes), name: name.to_owned() };
    let router = Router::new()
        .route("/load", route_get(load))
        .route("/readyz", route_get(readyz))
        .route("/drain", post(drain).delete(take_back))
        .route("/shed", post(shed))
        .with_state(app);
    let mut server = JoinSet::new();
    server.spawn(async move {
        let _ = axum::serve(listener, router).await;
    });
    Some(server)
}

impl App {
    /// The node, when it answers and the caller may ask.
    async fn node(&self, headers: &HeaderMap) -> Result<Node, Response> {
        let node = self.nodes.lock().by_name.get(&self.name).cloned();
        let Some(node) = node.filter(|node| !node.silent) else {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return Err(StatusCode::GATEWAY_TIMEOUT.into_response());
        };
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let known = token.is_some_and(|token| node.tokens.iter().any(|known| known == token));
        if node.tokens.is_empty() || known { Ok(node) } else { Err(StatusCode::UNAUTHORIZED.into_response()) }
    }

    fn change(&self, change: impl FnOnce(&mut Node)) {
        if let Some(node) = self.nodes.lock().by_name.get_mut(&self.name) {
            change(node);
        }
    }
}

async fn load(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, Response> {
    let node = app.node(&headers).await?;
    let state = match (node.draining, node.connections) {
        (true, connections) if connections <= 0.0 => "drained",
        (true, _) => "draining",
        _ => "serving",
    };
    let uptime = node.born.elapsed().as_secs_f64();
    let mut load = json!({"state": state, "uptime_seconds": uptime, "connections": node.connections,
        "handshakes_total": 0, "messages_total": 0, "deliveries_total": 0, "cpu_seconds": 0.0,
        "sessions_cut_total": 0, "lag_records": 0, "lag_seconds": 0.0, "records_total": 0, "rows_total": 0,
        "partitions": []});
    if let Some(lie) = node.lie {
        crate::world::merge(&mut load, lie);
    }
    Ok(Json(load))
}

async fn readyz(State(app): State<App>) -> Json<Value> {
    let checks = app.nodes.lock().by_name.get(&app.name).map(|node| node.checks.clone()).unwrap_or_default();
    Json(json!({"ready": true, "degraded": false, "checks": checks}))
}

async fn drain(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Response> {
    app.node(&headers).await?;
    app.change(|node| {
        node.asked.push("drain");
        if !node.draining {
            node.draining = true;
            node.drained_at = Instant::now();
        }
    });
    Ok(StatusCode::ACCEPTED)
}

async fn take_back(State(app): State<App>, headers: HeaderMap) -> Result<StatusCode, Response> {
    app.node(&headers).await?;
    app.change(|node| {
        node.asked.push("take-back");
        node.draining = false;
    });
    Ok(StatusCode::OK)
}

async fn shed(
    State(app): State<App>,
    Query(query): Query<HashMap<String, f64>>,
    headers: HeaderMap,
) -> Result<StatusCode, Response> {
    app.node(&headers).await?;
    app.change(|node| {
        node.asked.push("shed");
        node.connections -= query.get("connections").copied().unwrap_or(0.0);
    });
    Ok(StatusCode::ACCEPTED)
}

/// The body of a plain GET.
pub async fn get(address: SocketAddr, path: &str) -> Option<String> {
    let client = HttpClient::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer = client.get(format!("http://{address}{path}").parse().expect("an address")).await.ok()?;
    let body = answer.into_body().collect().await.ok()?.to_bytes();
    Some(String::from_utf8_lossy(&body).into_owned())
}
