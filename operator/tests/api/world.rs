//! An operator process, and pods that behave as with a kubelet: there is none in a control plane alone.
//!
//! The API server and its controllers are real, so are the pods' objects and the operator's process. What a kubelet and a
//! chat node would do is done here: each pod gets an address of its own on loopback, where the admin protocol is served,
//! and its status is written.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use operator::api::ChatCluster;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::kubelet::Kubelet;
use crate::rig::{DEADLINE, PAUSE, Rig, example, kubeconfig};

pub struct World {
    pub rig: Rig,
    pub kubelet: Kubelet,
}

impl World {
    pub async fn new(subject: &str) -> Self {
        Self::of(Rig::new(subject).await)
    }

    pub fn of(rig: Rig) -> Self {
        let kubelet = Kubelet::begin(&rig);
        Self { rig, kubelet }
    }

    /// An operator that looks at this namespace only.
    pub async fn operator(&self) -> Operator {
        Operator::start(&self.rig, &kubeconfig()).await
    }

    pub async fn cluster(&self, name: &str) -> ChatCluster {
        let found = self.rig.send(Method::GET, &self.rig.cluster_path(name), None).await.expect("a ChatCluster");
        serde_json::from_value(found.object).expect("one of ours")
    }

    pub async fn object(&self, path: &str) -> Option<Value> {
        let path = path.replace("{ns}", &self.rig.namespace);
        self.rig.send(Method::GET, &path, None).await.ok().map(|taken| taken.object)
    }

    pub async fn deployment(&self) -> Value {
        self.object("/apis/apps/v1/namespaces/{ns}/deployments/chat-gateway").await.unwrap_or_default()
    }

    pub async fn replicas(&self) -> u64 {
        self.deployment().await["spec"]["replicas"].as_u64().unwrap_or(0)
    }

    /// Waits until a condition says this, of the newest generation.
    pub async fn condition(&self, name: &str, type_: &str, status: &str) -> (String, String) {
        let mut last = None;
        let wait = async {
            loop {
                let cluster = self.cluster(name).await;
                let conditions = cluster.status.unwrap_or_default().conditions;
                let found = conditions.into_iter().find(|condition| condition.type_ == type_);
                if let Some(found) = found {
                    if found.observed_generation == cluster.metadata.generation && found.status == status {
                        return (found.reason, found.message);
                    }
                    last = Some((found, cluster.metadata.generation));
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        let found = tokio::time::timeout(DEADLINE, wait).await.ok();
        found.unwrap_or_else(|| panic!("not within {DEADLINE:?}: {type_}={status} of {name}; last {last:?}"))
    }

    /// Reasons of the events about a ChatCluster.
    pub async fn events(&self, name: &str) -> Vec<String> {
        let list = self.object("/apis/events.k8s.io/v1/namespaces/{ns}/events").await.unwrap_or_default();
        let items = list["items"].as_array().cloned().unwrap_or_default();
        let about = |event: &&Value| event["regarding"]["kind"] == "ChatCluster" && event["regarding"]["name"] == name;
        items.iter().filter(about).map(|event| event["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub async fn end(self) {
        self.kubelet.end().await;
        self.rig.end().await;
    }
}

/// A distributed cluster that scales and drains within seconds, without a migration and a web client.
pub fn quick(gateways: Value) -> Value {
    let mut cluster = example("distributed");
    cluster["spec"]["migration"] = json!({"enabled": false});
    cluster["spec"]["web"] = json!({"enabled": false});
    cluster["spec"]["gateways"] = json!({
        "min": 1, "max": 12, "target": {"connections": 100, "deliveriesPerSecond": 0, "cpuPercent": 0},
        "scaleDown": {"stabilizationSeconds": 1, "drainSeconds": 20, "maxDraining": 2},
        "rebalance": {"enabled": false},
    });
    merge(&mut cluster["spec"]["gateways"], gateways);
    cluster
}

pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// The real program. Killed when it is dropped.
pub struct Operator {
    process: Child,
    pub admin: SocketAddr,
}

impl Operator {
    pub async fn start(rig: &Rig, kubeconfig: &str) -> Self {
        let admin = free_address();
        let log = std::env::var("ELASTIC_CHAT_TEST_LOG").unwrap_or_else(|_| "warn,operator=info".to_owned());
        let process = Command::new(env!("CARGO_BIN_EXE_operator"))
            .args(["run", "--kubeconfig", kubeconfig, "--namespace", &rig.namespace])
            .args(["--operator-namespace", &rig.namespace, "--secrets-seconds", "2", "--log", &log])
            .args(["--admin", &admin.to_string()])
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the operator starts");
        Self { process, admin }
    }

    pub async fn kill(mut self) {
        self.process.kill().await.expect("it is killed");
    }

    /// SIGTERM, and the exit code.
    pub async fn terminate(mut self) -> Option<i32> {
        let pid = self.process.id().expect("it runs").to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill");
        assert!(sent.success());
        let ended = tokio::time::timeout(Duration::from_secs(15), self.process.wait()).await.expect("it ends in time");
        ended.expect("a status").code()
    }

    /// A metric by the beginning of its line; the sum of all that match.
    pub async fn metric(&self, begins: &str) -> f64 {
        let text = crate::kubelet::get(self.admin, "/metrics").await.unwrap_or_default();
        text.lines()
            .filter(|line| line.starts_with(begins))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    pub async fn leads(&self) -> bool {
        self.metric("elastic_chat_operator_leader ").await > 0.0
    }
}

pub fn free_address() -> SocketAddr {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listener.local_addr().expect("an address").port())
}
