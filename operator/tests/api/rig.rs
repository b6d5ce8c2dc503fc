//! A namespace of its own at a real API server, and what the server says to a manifest.

use std::time::Duration;

use axum::http::{Method, Request};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use operator::api::schema::crd;
use serde_json::{Value, json};

pub const MANAGER: &str = "elastic-chat/test";
const KUBECONFIG: &str = "ELASTIC_CHAT_TEST_KUBECONFIG";
/// For whatever is waited for.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// Between two looks.
pub const PAUSE: Duration = Duration::from_millis(50);
pub const CLUSTERS: &str = "/apis/elastic-chat.io/v1alpha1";

/// A namespace in which pods must be as the restricted standard wants them.
pub struct Rig {
    pub client: Client,
    pub namespace: String,
}

/// What the server made of a manifest.
#[derive(Debug)]
pub struct Taken {
    pub object: Value,
    pub warnings: Vec<String>,
}

/// Why it refused: the HTTP status, and its message. 0: there was no answer.
#[derive(Debug)]
pub struct Refused {
    pub code: u16,
    pub message: String,
    pub causes: Vec<Value>,
}

impl Rig {
    /// With ChatCluster defined, and a namespace whose name begins with `subject`.
    pub async fn new(subject: &str) -> Self {
        let rig = Self::at(&kubeconfig(), subject).await;
        rig.define().await;
        rig
    }

    /// At that API server, where ChatCluster need not be defined.
    pub async fn at(kubeconfig: &str, subject: &str) -> Self {
        let mut rig = Self { client: client(kubeconfig).await, namespace: String::new() };
        let levels =
            ["enforce", "warn", "audit"].map(|mode| (format!("pod-security.kubernetes.io/{mode}"), "restricted"));
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"generateName": format!("{subject}-"), "labels": levels.into_iter().collect::<std::collections::BTreeMap<_, _>>()},
        });
        let made = rig.send(Method::POST, "/api/v1/namespaces", Some(&namespace)).await.expect("a namespace");
        made.object["metadata"]["name"].as_str().expect("a name").clone_into(&mut rig.namespace);
        rig
    }

    /// Puts the definition as it is now, and waits until the server serves it.
    pub async fn define(&self) {
        let definition = serde_json::to_value(crd()).expect("JSON");
        let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/chatclusters.elastic-chat.io";
        let applied = self.send_as(Method::PATCH, &apply_query(path, false), Some(&definition), APPLY).await;
        let warnings = applied.expect("the definition is taken").warnings;
        assert_eq!(warnings, Vec::<String>::new());
        eventually("the definition is established", async || {
            let found = self.send(Method::GET, path, None).await.ok()?;
            let conditions = found.object["status"]["conditions"].as_array()?.clone();
            let holds = |name: &str| conditions.iter().any(|c| c["type"] == name && c["status"] == "True");
            (holds("Established") && holds("NamesAccepted")).then_some(())
        })
        .await;
    }

    /// The path of a ChatCluster, or of all with an empty name.
    pub fn cluster_path(&self, name: &str) -> String {
        format!("{CLUSTERS}/namespaces/{}/chatclusters/{name}", self.namespace).trim_end_matches('/').to_owned()
    }

    /// Creates a ChatCluster, or only asks whether that would be taken.
    pub async fn create(&self, manifest: &Value, dry_run: bool) -> Result<Taken, Refused> {
        let mut query = format!("{}?fieldManager={MANAGER}&fieldValidation=Strict", self.cluster_path(""));
        if dry_run {
            query.push_str("&dryRun=All");
        }
        self.send(Method::POST, &query, Some(manifest)).await
    }

    /// Changes a ChatCluster that exists, by a merge patch.
    pub async fn patch(&self, name: &str, patch: &Value) -> Result<Taken, Refused> {
        let query = format!("{}?fieldManager={MANAGER}&fieldValidation=Strict", self.cluster_path(name));
        self.send_as(Method::PATCH, &query, Some(patch), MERGE).await
    }

    /// Applies any object of the namespace.
    pub async fn apply(&self, object: &Value, dry_run: bool) -> Result<Taken, Refused> {
        let path = object_path(&self.namespace, object);
        self.send_as(Method::PATCH, &apply_query(&path, dry_run), Some(object), APPLY).await
    }

    /// Applies as somebody: what differs is a conflict unless it is theirs.
    pub async fn apply_as(&self, path: &str, object: &Value, manager: &str) -> Result<Taken, Refused> {
        let query = format!("{path}?fieldManager={manager}&fieldValidation=Strict");
        self.send_as(Method::PATCH, &query, Some(object), APPLY).await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Taken, Refused> {
        self.send_as(method, path, body, "application/json").await
    }

    pub async fn send_as(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        content_type: &str,
    ) -> Result<Taken, Refused> {
        let bytes = body.map(|body| serde_json::to_vec(body).expect("JSON")).unwrap_or_default();
        let request = Request::builder().method(method).uri(path).header("content-type", content_type);
        let request = request.body(Body::from(bytes)).expect("a request");
        let lost = |error: &dyn std::fmt::Display| Refused { code: 0, message: error.to_string(), causes: Vec::new() };
        let asked = tokio::time::timeout(DEADLINE, self.client.send(request)).await.expect("an answer in time");
        let response = asked.map_err(|error| lost(&error))?;
        let (code, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.map_err(|error| lost(&error))?.to_bytes();
        let object: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if code.is_success() {
            let warnings = headers.get_all("warning").iter().map(|text| format!("{text:?}")).collect();
            return Ok(Taken { object, warnings });
        }
        Err(Refused {
            code: code.as_u16(),
            message: object["message"].as_str().map_or_else(|| format!("{body:?}"), str::to_owned),
            causes: object["details"]["causes"].as_array().cloned().unwrap_or_default(),
        })
    }

    /// The server removes the namespace behind us.
    pub async fn end(self) {
        let path = format!("/api/v1/namespaces/{}", self.namespace);
        self.send(Method::DELETE, &path, None).await.expect("the namespace goes");
    }
}

const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

fn apply_query(path: &str, dry_run: bool) -> String {
    let dry_run = if dry_run { "&dryRun=All" } else { "" };
    format!("{path}?fieldManager={MANAGER}&force=true&fieldValidation=Strict{dry_run}")
}

/// Where an object is, by its apiVersion, kind and name.
pub fn object_path(namespace: &str, object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind, name) = (text(&object["apiVersion"]), text(&object["kind"]), text(&object["metadata"]["name"]));
    let root = if version.contains('/') { "apis" } else { "api" };
    let plural = match kind.as_str() {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        "Ingress" => "ingresses".to_owned(),
        other => format!("{}s", other.to_lowercase()),
    };
    format!("/{root}/{version}/namespaces/{namespace}/{plural}/{name}")
}

pub fn kubeconfig() -> String {
    std::env::var(KUBECONFIG).unwrap_or_else(|_| panic!("set {KUBECONFIG}=FILE, or run ./dev test"))
}

async fn client(kubeconfig: &str) -> Client {
    // The first of the process wins; they are all the same.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await.expect("a usable one");
    Client::try_from(config).expect("a client")
}

/// Asks until it is so.
pub async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let wait = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}

/// A manifest of `docs/examples`.
pub fn example(name: &str) -> Value {
    let path = format!("{}/../docs/examples/{name}.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_yaml_ng::from_str(&text).expect("YAML")
}

pub const EXAMPLES: [&str; 5] =
    ["embedded", "embedded-full", "distributed", "distributed-full", "distributed-shared-volume"];
