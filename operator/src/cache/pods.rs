//! The pods of all clusters, reduced to what decisions need.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Container, ContainerStatus, Pod};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt as _;
use parking_lot::RwLock;

use crate::drain::Marks;

/// Of a pod that does not name its port.
const ADMIN_PORT: u16 = 9090;
/// A request says what a pod is sure to get, not what it may use. One that is smaller than this asks for next to nothing so
/// that the pod fits anywhere, and a gateway that only answers its probes is at a multiple of it. A limit is taken as it is:
/// the kernel holds to it.
const LEAST_CORES: f64 = 0.1;
pub const INSTANCE: &str = "app.kubernetes.io/instance";
pub const COMPONENT: &str = "app.kubernetes.io/component";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    Gateway,
    Writer,
    Web,
    Migrate,
}

impl Component {
    fn named(name: &str) -> Option<Self> {
        match name {
            "gateway" => Some(Self::Gateway),
            "writer" => Some(Self::Writer),
            "web" => Some(Self::Web),
            "migrate" => Some(Self::Migrate),
            _ => None,
        }
    }
}

/// Why a pod does not come up, in Kubernetes' own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub reason: String,
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PodView {
    pub name: String,
    pub uid: String,
    pub namespace: String,
    /// Name of its ChatCluster.
    pub cluster: String,
    pub component: Component,
    pub ip: Option<IpAddr>,
    /// Of the container port that is named `admin`.
    pub admin_port: u16,
    /// Cores that its main container may use: its limit, or else its request, but at least a tenth of one.
    pub cores: Option<f64>,
    /// Seconds since the Unix epoch.
    pub created: f64,
    /// When it became ready last. `None`: it is not.
    pub ready_at: Option<f64>,
    pub pending: bool,
    pub terminating: bool,
    /// Ended for good, evicted for example: it is no capacity, and its controller makes another.
    pub ended: bool,
    pub restarts: i32,
    pub marks: Marks,
    pub trouble: Option<Trouble>,
}

impl PodView {
    pub fn of(pod: &Pod) -> Option<Self> {
        let label = |name: &str| pod.labels().get(name).cloned();
        let status = pod.status.clone().unwrap_or_default();
        let conditions = status.conditions.unwrap_or_default();
        let ready = conditions.iter().find(|condition| condition.type_ == "Ready" && condition.status == "True");
        let phase = status.phase.as_deref().unwrap_or("Pending");
        let containers = status.container_statuses.unwrap_or_default();
        let unscheduled = conditions
            .iter()
            .find(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
            .and_then(|condition| {
                let message = condition.message.clone().unwrap_or_default();
                condition.reason.clone().map(|reason| Trouble { reason, message })
            });
        let spec = pod.spec.as_ref();
        let admin = spec.iter().flat_map(|spec| &spec.containers).find_map(|container| {
            let port = container.ports.iter().flatten().find(|port| port.name.as_deref() == Some("admin"))?;
            Some((u16::try_from(port.container_port).ok()?, cores(container)))
        });
        let (admin_port, cores) = admin.unwrap_or((ADMIN_PORT, None));
        let waiting = status.init_container_statuses.iter().flatten().chain(&containers).find_map(waiting);
        Some(Self {
            name: pod.name_any(),
            uid: pod.uid().unwrap_or_default(),
            namespace: pod.namespace().unwrap_or_default(),
            cluster: label(INSTANCE)?,
            component: Component::named(&label(COMPONENT)?)?,
            admin_port,
            cores,
            ip: status.pod_ip.and_then(|ip| ip.parse().ok()),
            created: pod.metadata.creation_timestamp.as_ref().map_or(0.0, seconds),
            ready_at: ready.map(|ready| ready.last_transition_time.as_ref().map_or(0.0, seconds)),
            pending: phase == "Pending",
            terminating: pod.metadata.deletion_timestamp.is_some(),
            ended: matches!(phase, "Succeeded" | "Failed"),
            restarts: containers.iter().map(|container| container.restart_count).sum(),
            marks: Marks::of(pod.annotations()),
            trouble: waiting.or(unscheduled).filter(|_| ready.is_none()),
        })
    }

    pub fn ready(&self) -> bool {
        self.ready_at.is_some()
    }

    /// Whether somebody who looks at the cluster's status would see a difference.
    fn differs(&self, before: &Self) -> bool {
        let seen = |pod: &Self| (pod.ready(), pod.terminating, pod.ended, pod.marks, pod.trouble.clone());
        seen(self) != seen(before)
    }
}

fn cores(container: &Container) -> Option<f64> {
    let resources = container.resources.as_ref()?;
    let cpu =
        |amounts: &Option<BTreeMap<String, Quantity>>| amounts.as_ref()?.get("cpu").and_then(|cpu| amount(&cpu.0));
    let limit = cpu(&resources.limits).filter(|cores| *cores > 0.0);
    limit.or_else(|| cpu(&resources.requests).map(|cores| cores.max(LEAST_CORES)))
}

/// Cores as Kubernetes writes them: `2`, `1.5`, `500m`.
fn amount(cpu: &str) -> Option<f64> {
    match cpu.strip_suffix('m') {
        Some(thousandths) => thousandths.parse::<f64>().ok().map(|number| number / 1_000.0),
        None => cpu.parse().ok(),
    }
}

/// A container that can't start; not one that only has not started yet.
fn waiting(container: &ContainerStatus) -> Option<Trouble> {
    let state = container.state.as_ref()?;
    let waiting = state.waiting.as_ref()?;
    let reason = waiting.reason.clone()?;
    if matches!(reason.as_str(), "ContainerCreating" | "PodInitializing") {
        return None;
    }
    let mut message = waiting.message.clone().unwrap_or_default();
    let last = container.last_state.as_ref().and_then(|last| last.terminated.as_ref());
    if let Some(said) = last.and_then(|ended| ended.message.as_deref()).filter(|_| reason == "CrashLoopBackOff") {
        said.trim().clone_into(&mut message);
    } else if let Some(code) = last.map(|ended| ended.exit_code).filter(|_| reason == "CrashLoopBackOff") {
        message = format!("it ended with code {code}");
    }
    Some(Trouble { reason, message })
}

#[allow(clippy::cast_precision_loss)] // milliseconds of this millennium fit
fn seconds(time: &Time) -> f64 {
    time.0.as_millisecond() as f64 / 1_000.0
}

type Of = (String, String);
type OfCluster = BTreeMap<String, Arc<PodView>>;

/// Cheap to clone; all clones see the same.
#[derive(Clone, Default)]
pub struct Pods {
    clusters: Arc<RwLock<HashMap<Of, OfCluster>>>,
}

impl Pods {
    pub fn of(&self, namespace: &str, cluster: &str) -> Vec<Arc<PodView>> {
        let key = (namespace.to_owned(), cluster.to_owned());
        self.clusters.read().get(&key).map(|pods| pods.values().cloned().collect()).unwrap_or_default()
    }

    /// Tells whether anything changed that a status would show.
    pub fn put(&self, pod: PodView) -> bool {
        let key = (pod.namespace.clone(), pod.cluster.clone());
        let mut clusters = self.clusters.write();
        let pod = Arc::new(pod);
        let before = clusters.entry(key).or_default().insert(pod.name.clone(), Arc::clone(&pod));
        before.is_none_or(|before| pod.differs(&before))
    }

    pub fn remove(&self, namespace: &str, cluster: &str, name: &str) {
        let key = (namespace.to_owned(), cluster.to_owned());
        let mut clusters = self.clusters.write();
        if let Some(pods) = clusters.get_mut(&key) {
            pods.remove(name);
            if pods.is_empty() {
                clusters.remove(&key);
            }
        }
    }

    /// Removes all for which `keep` (namespace, name) is false, and tells whose they were.
    pub fn retain(&self, keep: impl Fn(&str, &str) -> bool) -> Vec<Of> {
        let mut changed = Vec::new();
        self.clusters.write().retain(|of, pods| {
            let before = pods.len();
            pods.retain(|name, pod| keep(&pod.namespace, name));
            if pods.len() != before {
                changed.push(of.clone());
            }
            !pods.is_empty()
        });
        changed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &serde_json::Value) -> PodView {
        let pod = json!({
            "metadata": {"name": "demo-gateway-1", "namespace": "n", "uid": "u", "creationTimestamp": "2026-01-02T03:04:05Z",
                "labels": {INSTANCE: "demo", COMPONENT: "gateway"},
                "annotations": {"elastic-chat.io/draining-since": "2026-01-02T03:05:05Z"}},
            "status": status,
        });
        PodView::of(&serde_json::from_value(pod).expect("a pod")).expect("one of ours")
    }

    #[test]
    fn a_ready_pod() {
        let view = pod(&json!({"phase": "Running", "podIP": "10.0.0.7",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:25Z"}]}));
        assert_eq!(view.ready_at.map(|at| at - view.created), Some(20.0));
        assert_eq!(view.marks.draining_since, Some(view.created + 60.0));
        assert_eq!((view.trouble, view.pending), (None, false));
    }

    #[test]
    fn a_tiny_request_is_no_measure_and_a_limit_is() {
        let cores = |resources: serde_json::Value| {
            let container = serde_json::from_value(json!({"name": "chat-node", "resources": resources}));
            cores(&container.expect("a container"))
        };
        assert_eq!(cores(json!({"requests": {"cpu": "10m"}})), Some(0.1));
        assert_eq!(cores(json!({"requests": {"cpu": "10m"}, "limits": {"cpu": "50m"}})), Some(0.05));
        assert_eq!(cores(json!({"requests": {"cpu": "1500m"}})), Some(1.5));
        assert_eq!(cores(json!({})), None);
    }

    #[test]
    fn why_a_pod_does_not_come_up() {
        let view = pod(&json!({"phase": "Pending", "containerStatuses": [{"name": "chat", "image": "", "imageID": "",
            "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": "not found"}}}]}));
        assert_eq!(view.trouble.map(|trouble| trouble.reason).as_deref(), Some("ImagePullBackOff"));
        let view = pod(&json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]}));
        assert_eq!(view.trouble.map(|trouble| trouble.message).as_deref(), Some("0/1 nodes"));
        let view = pod(&json!({"phase": "Pending", "containerStatuses": [{"name": "chat", "image": "", "imageID": "",
            "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]}));
        assert_eq!(view.trouble, None);
    }
}
