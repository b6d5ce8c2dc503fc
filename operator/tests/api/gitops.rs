//! A ChatCluster that comes from Git: applying it again changes nothing, whatever the operator did meanwhile, and what Argo CD
//! says of its health is right in every state.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::rig::eventually;
use crate::world::{World, merge};

/// As Argo CD writes.
const ARGOCD: &str = "argocd-controller";
const KUBECTL: &str = "ELASTIC_CHAT_TEST_KUBECTL";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../deploy/gitops")
}

/// The ChatCluster of an overlay, as kustomize makes it, sized so that it moves within seconds.
fn from_git() -> Value {
    let kubectl = std::env::var(KUBECTL).unwrap_or_else(|_| panic!("set {KUBECTL}=PATH, or run ./dev test"));
    let made = Command::new(kubectl).arg("kustomize").arg(folder().join("chat/overlays/dev")).output();
    let made = made.expect("kubectl runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = String::from_utf8(made.stdout).expect("UTF-8");
    let objects = serde_yaml_ng::Deserializer::from_str(&text);
    let mut objects = objects.map(|object| serde::Deserialize::deserialize(object).expect("YAML"));
    let mut cluster: Value = objects.find(|object: &Value| object["kind"] == "ChatCluster").expect("a ChatCluster");
    cluster["metadata"].as_object_mut().expect("metadata").remove("namespace");
    let quick = json!({
        "gateways": {
            "min": 2, "max": 12, "target": {"connections": 100, "deliveriesPerSecond": 0, "cpuPercent": 0},
            "scaleDown": {"stabilizationSeconds": 1, "drainSeconds": 20, "maxDraining": 4},
            "rebalance": {"enabled": false},
        },
        "migration": {"enabled": false},
    });
    merge(&mut cluster["spec"], quick);
    cluster
}

impl World {
    /// Applies what Git has, as Argo CD does.
    async fn sync(&self, cluster: &Value) -> Value {
        let path = self.rig.cluster_path("chat");
        self.rig.apply_as(&path, cluster, &format!("{ARGOCD}&force=true")).await.expect("taken").object
    }

    /// What a server-side diff would show: what applying would change.
    async fn diff(&self, cluster: &Value) -> Option<(Value, Value)> {
        let live = self.object(&self.rig.cluster_path("chat")).await.expect("there");
        let path = self.rig.cluster_path("chat");
        let asked = self.rig.apply_as(&path, cluster, &format!("{ARGOCD}&force=true&dryRun=All")).await;
        let predicted = asked.expect("it would be taken").object;
        let wanted = |object: &Value| {
            let metadata = &object["metadata"];
            json!([object["spec"], metadata["generation"], metadata["labels"], metadata["annotations"]])
        };
        (wanted(&live) != wanted(&predicted)).then(|| (wanted(&live), wanted(&predicted)))
    }

    /// Argo CD's health of the live object, by the script that Argo CD is given.
    async fn health(&self) -> (String, String) {
        health(&self.object(&self.rig.cluster_path("chat")).await.expect("there"))
    }

    async fn becomes(&self, status: &str) -> String {
        eventually(&format!("{status} in Argo CD"), async || {
            let (is, message) = self.health().await;
            (is == status).then_some(message)
        })
        .await
    }
}

fn health(object: &Value) -> (String, String) {
    let script = folder().join("argocd/settings/health.lua");
    let program = format!(
        "obj = {}\nlocal health = dofile({})\nio.write(health.status, '\\n', health.message)",
        lua(object),
        lua(&json!(script))
    );
    let mut lua = Command::new("lua5.1").arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("lua5.1");
    lua.stdin.take().expect("a pipe").write_all(program.as_bytes()).expect("it reads");
    let said = lua.wait_with_output().expect("it ends");
    assert!(said.status.success(), "{program}");
    let said = String::from_utf8(said.stdout).expect("UTF-8");
    let (status, message) = said.split_once('\n').expect("two lines");
    (status.to_owned(), message.to_owned())
}

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::String(text) => {
            let bytes: Vec<String> = text.bytes().map(|byte| format!("\\{byte:03}")).collect();
            format!("\"{}\"", bytes.concat())
        }
        Value::Array(items) => format!("{{{}}}", items.iter().map(lua).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("[{}] = {}", lua(&json!(name)), lua(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

#[tokio::test]
async fn applying_again_changes_nothing_also_while_the_operator_scales() {
    let world = World::new("gitops").await;
    let git = from_git();
    world.sync(&git).await;
    let _operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    assert_eq!(world.diff(&git).await, None);
    let again = world.sync(&git).await;
    assert_eq!(again["metadata"]["generation"], 1, "applying again made another generation");

    // A spike: the operator writes replicas and the status, and none of it is Git's.
    world.kubelet.each(|node| node.connections = 300.0);
    eventually("it grows", async || {
        assert_eq!(world.diff(&git).await, None);
        let (status, message) = world.health().await;
        assert_eq!(status, "Healthy", "while it scales: {message}");
        (world.replicas().await >= 6).then_some(())
    })
    .await;
    let grown = world.replicas().await;
    world.sync(&git).await;
    assert_eq!(world.replicas().await, grown, "applying took back what the operator scaled");
    world.kubelet.each(|node| node.connections = 1.0);
    for _ in 0..4 {
        let back = async || (world.replicas().await == 2).then_some(());
        let wait = std::time::Duration::from_secs(28);
        if tokio::time::timeout(wait, eventually("it shrinks", back)).await.is_ok() {
            break;
        }
    }
    assert_eq!(world.replicas().await, 2);
    assert_eq!(world.diff(&git).await, None);
    let last = world.sync(&git).await;
    assert_eq!(last["metadata"]["generation"], 1);

    // Who owns what: no field has two owners, so no rule about differences to ignore is needed.
    let managers = last["metadata"]["managedFields"].as_array().expect("managers").clone();
    for entry in &managers {
        let (manager, fields) = (entry["manager"].as_str().expect("a name"), &entry["fieldsV1"]);
        assert_eq!(fields.get("f:spec").is_some(), manager == ARGOCD, "{manager} owns {fields}");
        assert_eq!(fields.get("f:status").is_some(), manager == "elastic-chat/status", "{manager} owns {fields}");
    }
    let deployment = world.deployment().await;
    let managers = deployment["metadata"]["managedFields"].as_array().expect("managers").clone();
    let owners: Vec<&Value> = managers
        .iter()
        .filter(|entry| entry["fieldsV1"]["f:spec"].get("f:replicas").is_some())
        .map(|entry| &entry["manager"])
        .collect();
    assert_eq!(owners, ["elastic-chat/scaling"], "of replicas");
    world.end().await;
}

#[tokio::test]
async fn health_is_right_in_every_state() {
    let world = World::new("health").await;
    let mut git = from_git();
    git["spec"]["auth"] = json!({"signingKeySecret": {"name": "keys", "key": "signing"}});
    world.sync(&git).await;
    assert_eq!(world.health().await, ("Progressing".to_owned(), "Waiting for the operator".to_owned()));
    let operator = world.operator().await;
    // What a person has to do something about is not "in progress" for ever.
    let message = world.becomes("Degraded").await;
    assert!(message.contains("keys"), "{message}");
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
        "stringData": {"signing": "0a".repeat(32)}});
    world.rig.apply(&secret, false).await.expect("a Secret");
    world.becomes("Healthy").await;

    // Another spec that nobody looked at is not healthy because the one before was.
    operator.kill().await;
    git["spec"]["gateways"]["min"] = json!(3);
    world.sync(&git).await;
    let (status, _) = world.health().await;
    assert_eq!(status, "Progressing");
    let _operator = world.operator().await;
    world.becomes("Healthy").await;

    // An image that can't be pulled: the new pods never become ready, and the message says why.
    world.kubelet.nodes.lock().newborn = Some(|node| {
        if node.component == "gateway" {
            node.stuck = Some(("ImagePullBackOff", "Back-off pulling image: not found"));
        }
    });
    let before = git.clone();
    git["spec"]["image"]["tag"] = json!("0.0.0-missing");
    world.sync(&git).await;
    eventually("Argo CD tells of the image", async || {
        // Before that the scheduler may have said that it knows no node.
        let (status, message) = world.health().await;
        (status == "Degraded" && message.contains("not found")).then_some(())
    })
    .await;
    // The way back is the commit before.
    world.kubelet.nodes.lock().newborn = None;
    world.sync(&before).await;
    world.becomes("Healthy").await;

    // Readings are missing: it works with less than it should, and it serves.
    world.kubelet.each(|node| node.silent = true);
    world.condition("chat", "Degraded", "True").await;
    let (status, _) = world.health().await;
    assert_eq!(status, "Healthy");
    world.kubelet.each(|node| node.silent = false);
    world.condition("chat", "Degraded", "False").await;

    let mut paused = before.clone();
    paused["spec"]["paused"] = json!(true);
    world.sync(&paused).await;
    assert_eq!(world.health().await.0, "Suspended");
    world.sync(&before).await;
    world.becomes("Healthy").await;
    world.end().await;
}
