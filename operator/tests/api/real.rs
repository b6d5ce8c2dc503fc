//! The two sides of the admin protocol: the real operator, and real chat nodes as its pods.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use axum::http::Method;
use elastic_chat_load::client::{Account, Http, RestError};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::kubelet::PORT;
use crate::rig::eventually;
use crate::world::{World, quick};

/// Where people connect.
const CLIENTS: u16 = 8080;

/// A chat node of its own at an address of its own. Killed when it is dropped.
pub struct RealNode {
    admin: SocketAddr,
    folder: TempDir,
    _process: Child,
}

impl RealNode {
    pub fn start(ip: Ipv4Addr, tokens: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let (file, admin) = (folder.path().join("tokens"), SocketAddr::from((ip, PORT)));
        std::fs::write(&file, tokens).expect("written");
        let binaries = std::env::var("ELASTIC_CHAT_BINARIES").expect("ELASTIC_CHAT_BINARIES, or ./dev test");
        let process = Command::new(PathBuf::from(binaries).join("chat-node"))
            .args(["serve", "--log", "warn", "--listen", &format!("{ip}:{CLIENTS}"), "--admin", &admin.to_string()])
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .arg("--admin-token-file")
            .arg(&file)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("a chat node");
        // As in a pod, it is ready some time later.
        Self { admin, folder, _process: process }
    }

    /// What a kubelet's probe says.
    pub async fn is_ready(&self) -> bool {
        Http::new(&self.admin.to_string()).call(Method::GET, "/readyz", None, None).await.is_ok()
    }

    /// As a kubelet brings a changed Secret into the pod.
    pub fn take_tokens(&self, tokens: &str) {
        let file = self.folder.path().join("tokens");
        if !tokens.is_empty() && std::fs::read_to_string(&file).ok().as_deref() != Some(tokens) {
            std::fs::write(&file, tokens).expect("written");
        }
    }
}

/// Connections of one person, each of which leaves when it is asked to.
async fn connect(node: IpAddr, count: usize) -> tokio::task::JoinSet<()> {
    let address = SocketAddr::new(node, CLIENTS);
    let account =
        Account::sign_in(&mut Http::new(&address.to_string()), "ada", "correct horse").await.expect("account");
    let mut sockets = tokio::task::JoinSet::new();
    for n in 0..count {
        let tcp = TcpStream::connect(address).await.expect("a connection");
        let mut request = format!("ws://{address}/v1/ws").into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "elastic-chat.v1.json".parse().expect("a header"));
        let (mut ws, _) = client_async(request, tcp).await.expect("a handshake");
        let hello = json!({"type": "hello", "token": account.token, "device_id": format!("d{n}"), "resume": null});
        ws.send(Message::Text(hello.to_string().into())).await.expect("said");
        sockets.spawn(async move {
            while let Some(Ok(message)) = ws.next().await {
                let frame: Value =
                    message.to_text().ok().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                if frame["type"] == "goaway" {
                    let _ = ws.close(None).await;
                    return;
                }
            }
        });
    }
    sockets
}

impl World {
    fn nodes(&self) -> Vec<(String, IpAddr)> {
        let nodes = self.kubelet.nodes.lock();
        let there = nodes.addresses.iter().filter(|(name, _)| nodes.by_name.contains_key(*name));
        there.map(|(name, ip)| (name.clone(), *ip)).collect()
    }

    async fn said(&self, what: &str, is: impl Fn(&operator::api::GatewayStatus) -> bool) {
        eventually(what, async || {
            let gateways = self.cluster("chat").await.status?.gateways?;
            is(&gateways).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn real_chat_nodes_are_read_drained_taken_back_and_shed() {
    let world = World::new("real").await;
    world.kubelet.nodes.lock().real = true;
    let gateways = json!({"min": 2, "max": 2, "scaleDown": {"drainSeconds": 60}});
    world.rig.create(&quick(gateways), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    world.condition("chat", "Degraded", "False").await;
    let nodes = world.nodes();
    let (few, many) = (nodes[0].clone(), nodes[1].clone());
    let (mut on_few, mut on_many) = (connect(few.1, 2).await, connect(many.1, 5).await);
    world.said("their connections are read", |gateways| gateways.connections == 7).await;
    // It drains the one with fewer, and takes it back while they still leave.
    let want = async |gateways: u32| {
        let patch = json!({"spec": {"gateways": {"min": gateways, "max": gateways}}});
        world.rig.patch("chat", &patch).await.expect("taken");
    };
    want(1).await;
    world.said("one drains", |gateways| gateways.draining == 1).await;
    want(2).await;
    world.said("none drains", |gateways| gateways.draining == 0 && gateways.ready == 2).await;
    assert!(operator.metric("elastic_chat_operator_drains_total{step=\"taken_back\"").await >= 1.0);
    // Now to the end: nobody is left, the node says that it is drained, and it goes.
    want(1).await;
    world.said("one drains again", |gateways| gateways.draining == 1).await;
    on_few.shutdown().await;
    eventually("it is gone", async || (world.nodes().len() == 1).then_some(())).await;
    assert_eq!(world.nodes(), std::slice::from_ref(&many));
    assert!(operator.metric("elastic_chat_operator_drains_total{step=\"finished\"").await >= 1.0);
    for never in ["drains_total{step=\"deadline\"", "sessions_cut_total", "scrapes_total{outcome=\"unauthorized\""] {
        assert!(operator.metric(&format!("elastic_chat_operator_{never}")).await < 1.0, "{never}");
    }
    assert!(on_many.try_join_next().is_none(), "nobody else was asked");
    // What the operator would ask for by itself only with many more connections.
    let token = world.token().await;
    let mut admin = Http::new(&SocketAddr::new(many.1, PORT).to_string());
    let shed = admin.call(Method::POST, "/shed?connections=3&seconds=0", Some(&token[0]), None).await.expect("shed");
    assert_eq!(shed["shed"], 3);
    for _ in 0..3 {
        on_many.join_next().await.expect("one of them").expect("it left");
    }
    world.said("the others stay", |gateways| gateways.connections == 2).await;
    world.end().await;
}

#[tokio::test]
async fn a_token_is_replaced_while_the_nodes_go_on_answering() {
    let world = World::new("rotation").await;
    world.kubelet.nodes.lock().real = true;
    world.rig.create(&quick(json!({"min": 1, "max": 1})), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    let node = world.nodes().remove(0);
    let first = world.token().await;
    assert_eq!(first.len(), 1);
    let mut max = 1;
    let mut age = async |days: i64| {
        // As if it had been made then; the operator looks when the spec changes.
        let at = k8s_openapi::jiff::Timestamp::now() - Duration::from_secs(86_400 * days.unsigned_abs());
        let patch = json!({"metadata": {"annotations": {"elastic-chat.io/rotated-at": at.to_string()}}});
        let path = format!("/api/v1/namespaces/{}/secrets/chat-admin", world.rig.namespace);
        world.rig.send_as(Method::PATCH, &path, Some(&patch), "application/merge-patch+json").await.expect("aged");
        // Secrets count for two seconds in these tests.
        tokio::time::sleep(Duration::from_secs(3)).await;
        max += 1;
        let patch = json!({"spec": {"gateways": {"max": max}}});
        world.rig.patch("chat", &patch).await.expect("taken");
    };
    age(31).await;
    let both = eventually("there are two", async || {
        let tokens = world.token().await;
        (tokens.len() == 2).then_some(tokens)
    })
    .await;
    assert_eq!(both[1], first[0], "the new one stands first, and the old one still counts");
    let answers = async |token: &str| {
        let mut admin = Http::new(&SocketAddr::new(node.1, PORT).to_string());
        match admin.call(Method::GET, "/load", Some(token), None).await {
            Ok(_) => 200,
            Err(RestError::Status(status, _)) => status,
            Err(RestError::Transport(error)) => panic!("{error}"),
        }
    };
    eventually("the node knows the new one", async || (answers(&both[0]).await == 200).then_some(())).await;
    age(1).await;
    eventually("only the new one is left", async || (world.token().await == both[..1]).then_some(())).await;
    eventually("the node no longer takes the old one", async || (answers(&first[0]).await == 401).then_some(())).await;
    let read = async || operator.metric("elastic_chat_operator_scrapes_total{outcome=\"ok\"").await;
    let before = read().await;
    eventually("it is read all the while", async || (read().await > before + 2.0).then_some(())).await;
    world.condition("chat", "Degraded", "False").await;
    world.end().await;
}

impl World {
    /// The tokens of the admin ports.
    async fn token(&self) -> Vec<String> {
        let secret = self.object("/api/v1/namespaces/{ns}/secrets/chat-admin").await.unwrap_or_default();
        let secret: k8s_openapi::api::core::v1::Secret = serde_json::from_value(secret).expect("a Secret");
        let bytes = secret.data.and_then(|mut data| data.remove("token")).map(|token| token.0).unwrap_or_default();
        String::from_utf8(bytes).expect("text").lines().map(str::to_owned).collect()
    }
}
