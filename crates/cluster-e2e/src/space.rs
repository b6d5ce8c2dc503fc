use std::path::PathBuf;
use std::time::{Duration, Instant};

use elastic_chat_load::client::{Account, Http};
use elastic_chat_load::scenario::PASSWORD;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{Api, DeleteParams, DynamicObject, EvictParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind, ObjectMeta};
use kube::{Client, Config};
use local_cluster::Cluster;
use serde_json::{Value, json};

/// The folder of the cluster that the tests run on.
const CLUSTER: &str = "ELASTIC_CHAT_E2E_CLUSTER";
/// Where the chart is installed, and what its Lease is called.
const OPERATOR_NAMESPACE: &str = "elastic-chat-system";
const OPERATOR: &str = "elastic-chat-operator";
const PATIENCE: Duration = Duration::from_mins(3);

/// A namespace with a ChatCluster in it.
pub struct Space {
    client: Client,
    cluster: Cluster,
    pub namespace: String,
    pub chat: String,
}

impl Space {
    /// A namespace of that name, made when it is not there.
    pub async fn open(namespace: &str, chat: &str) -> Self {
        let folder = std::env::var_os(CLUSTER).map(PathBuf::from);
        let folder = folder.unwrap_or_else(|| panic!("{CLUSTER} is not set: run ./dev test --only cluster"));
        let cluster = Cluster::open(folder).expect("a cluster");
        let kubeconfig = Kubeconfig::read_from(cluster.kubeconfig()).expect("a kubeconfig");
        let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
        let mut config = config.expect("a configuration");
        // An eviction that is held is an answer, too.
        config.default_retry = false;
        let client = Client::try_from(config).expect("a client");
        let metadata = ObjectMeta { name: Some(namespace.to_owned()), ..ObjectMeta::default() };
        let made = Api::<Namespace>::all(client.clone())
            .create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() })
            .await;
        assert!(made.is_ok() || matches!(&made, Err(kube::Error::Api(status)) if status.code == 409), "{made:?}");
        Self { client, cluster, namespace: namespace.to_owned(), chat: chat.to_owned() }
    }

    /// Applies an object, as `kubectl apply --server-side` does.
    pub async fn apply(&self, object: &Value) {
        let (kind, version) = (text(object, "/kind"), text(object, "/apiVersion"));
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, &kind));
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), &self.namespace, &resource);
        let name = text(object, "/metadata/name");
        let applied = api.patch(&name, &PatchParams::apply("e2e").force(), &Patch::Apply(object)).await;
        applied.unwrap_or_else(|error| panic!("{kind} {name} is refused: {error}"));
    }

    /// Changes fields of the ChatCluster.
    pub async fn change(&self, spec: &Value) {
        let patch = Patch::Merge(json!({"spec": spec}));
        self.chats().patch(&self.chat, &PatchParams::default(), &patch).await.expect("a change that is taken");
    }

    fn chats(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("elastic-chat.io", "v1alpha1", "ChatCluster");
        Api::namespaced_with(self.client.clone(), &self.namespace, &ApiResource::from_gvk(&kind))
    }

    /// The ChatCluster as it is.
    pub async fn chat(&self) -> Value {
        serde_json::to_value(self.chats().get(&self.chat).await.expect("the ChatCluster")).expect("JSON")
    }

    /// Waits until the ChatCluster is ready, and for this generation.
    pub async fn ready(&self) {
        let ready = async || {
            let chat = self.chat().await;
            let generation = chat["metadata"]["generation"].clone();
            let conditions = chat["status"]["conditions"].as_array()?.clone();
            let ready = conditions.into_iter().find(|condition| condition["type"] == "Ready")?;
            (ready["status"] == "True" && ready["observedGeneration"] == generation).then_some(())
        };
        if !within(PATIENCE, ready).await {
            self.show(&["describe", "chatcluster", &self.chat]);
            self.show(&["get", "pods", "-o", "wide"]);
            self.show(&["get", "events", "--sort-by=.lastTimestamp"]);
            self.show(&["-n", "elastic-chat-system", "logs", "-l", "app.kubernetes.io/name=elastic-chat-operator"]);
            panic!("{} did not get ready in three minutes", self.chat);
        }
    }

    /// Where its clients connect: the Service's address.
    pub async fn authority(&self) -> String {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        let service = services.get(&self.chat).await.expect("the Service").spec.expect("a spec");
        let ports = service.ports.unwrap_or_default();
        let port = ports.first().expect("a port").port;
        format!("{}:{port}", service.cluster_ip.expect("an address"))
    }

    /// Waits until somebody answers there: kube-proxy learns of pods after the kubelet.
    pub async fn answers(&self) {
        let mut http = Http::new(&self.authority().await);
        until("an answer through the Service", async || {
            Account::sign_in(&mut http, "who-looks-first", PASSWORD).await.ok()
        })
        .await;
    }

    /// The pods of the gateways, those that end included.
    pub async fn gateways(&self) -> Vec<Pod> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let labels = format!("app.kubernetes.io/component=gateway,app.kubernetes.io/instance={}", self.chat);
        pods.list(&ListParams::default().labels(&labels)).await.expect("pods").items
    }

    /// How many gateways are ready and not about to end.
    pub async fn serving(&self) -> usize {
        self.gateways().await.iter().filter(|pod| is_ready(pod)).count()
    }

    /// Asks for a pod's eviction, as `kubectl drain` does; the status code of a refusal.
    pub async fn evict(&self, pod: &str) -> Result<(), u16> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        match pods.evict(pod, &EvictParams::default()).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) => Err(status.code),
            Err(error) => panic!("{error}"),
        }
    }

    /// The pod of the operator that leads.
    pub async fn leader(&self) -> Option<String> {
        let leases: Api<Lease> = Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE);
        let holder = leases.get(OPERATOR).await.expect("the Lease").spec?.holder_identity?;
        let pods = self.operators().list(&ListParams::default()).await.expect("pods").items;
        // The holder is called by its pod's name, and something that no other process of it would have.
        pods.into_iter().filter_map(|pod| pod.metadata.name).find(|name| holder.starts_with(name.as_str()))
    }

    /// Deletes a pod of the operator, as `kubectl delete pod` does.
    pub async fn delete_operator(&self, pod: &str) {
        self.operators().delete(pod, &DeleteParams::default()).await.expect("deleted");
    }

    fn operators(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), OPERATOR_NAMESPACE)
    }

    /// Prints what `kubectl` says.
    pub fn show(&self, args: &[&str]) {
        let mut kubectl = self.cluster.kubectl().expect("kubectl");
        let done = kubectl.args(["--namespace", &self.namespace]).args(args).output().expect("kubectl runs");
        let said = [done.stdout, done.stderr].concat();
        println!("$ kubectl {}\n{}", args.join(" "), String::from_utf8_lossy(&said));
    }

    /// Removes the ChatCluster and waits until its pods are gone: the machine is small.
    pub async fn close(self) {
        self.chats().delete(&self.chat, &DeleteParams::default()).await.expect("deleted");
        until("the pods to go", async || self.gateways().await.is_empty().then_some(())).await;
    }
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    let ready = conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"));
    ready && pod.metadata.deletion_timestamp.is_none()
}

fn text(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn within(patience: Duration, mut condition: impl AsyncFnMut() -> Option<()>) -> bool {
    let begin = Instant::now();
    while condition().await.is_none() {
        if begin.elapsed() > patience {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    true
}

/// Waits until the condition gives something.
///
/// # Panics
/// It does not within three minutes.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let mut found = None;
    let came = within(PATIENCE, async || {
        found = condition().await;
        found.is_some().then_some(())
    });
    assert!(came.await, "waited three minutes for {what}");
    found.unwrap_or_else(|| panic!("nothing for {what}"))
}
