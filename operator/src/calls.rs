//! Every call to the API server goes through here: it is counted, it has a deadline, and it writes only while this process
//! leads.

use std::time::Duration;

use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::core::NamespaceResourceScope;
use kube::{Resource, ResourceExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::election::{Leadership, NotLeading};
use crate::metrics::{CallLabels, Metrics};

/// Of one read. A write's is shorter: it must end before another operator can lead.
const READ_DEADLINE: Duration = Duration::from_secs(10);
const WRITE_DEADLINE: Duration = Duration::from_secs(3);

#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error(transparent)]
    NotLeading(#[from] NotLeading),
    #[error("the API server did not answer {verb} {what} in {}", seconds(.deadline))]
    Deadline { verb: &'static str, what: String, deadline: Duration },
    #[error("{verb} {what}: {}", said(source))]
    Kube { verb: &'static str, what: String, source: Box<kube::Error> },
}

fn seconds(deadline: &Duration) -> String {
    format!("{} s", deadline.as_secs())
}

/// The API server's own words, without the structure around them.
fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => status.message.clone(),
        other => other.to_string(),
    }
}

impl CallError {
    fn status(&self) -> Option<&kube::core::Status> {
        match self {
            CallError::Kube { source, .. } => match &**source {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            _ => None,
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.status().is_some_and(|status| status.code == 404)
    }

    pub fn is_conflict(&self) -> bool {
        self.status().is_some_and(|status| status.code == 409)
    }

    /// The API server understood and refuses: the same call again gives the same answer, until something changes.
    pub fn is_refusal(&self) -> bool {
        self.status().is_some_and(|status| matches!(status.code, 400 | 401 | 403 | 405 | 415 | 422))
    }

    /// The API server's answer, for a condition.
    pub fn refusal(&self) -> Option<(&str, &str)> {
        self.status().map(|status| (status.reason.as_str(), status.message.as_str()))
    }
}

/// A namespaced type without dynamic parts, as nearly all that are used here.
pub trait Kind:
    Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned
{
}
impl<K> Kind for K where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + std::fmt::Debug + DeserializeOwned
{
}

#[derive(Clone)]
pub struct Calls {
    client: Client,
    leadership: Leadership,
    metrics: Metrics,
}

impl Calls {
    pub fn new(client: Client, leadership: Leadership, metrics: Metrics) -> Self {
        Self { client, leadership, metrics }
    }

    /// For watches and lists of reflectors, which only read.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    pub fn leadership(&self) -> &Leadership {
        &self.leadership
    }

    pub async fn get<K: Kind>(&self, namespace: &str, name: &str) -> Result<Option<K>, CallError> {
        let api: Api<K> = Api::namespaced(self.client(), namespace);
        self.read("get", what::<K>(namespace, name), api.get_opt(name)).await
    }

    pub async fn create<K: Kind + Serialize>(&self, object: &K) -> Result<K, CallError> {
        let namespace = object.namespace().unwrap_or_default();
        let api: Api<K> = Api::namespaced(self.client(), &namespace);
        let parameters = PostParams::default();
        self.write("create", what::<K>(&namespace, &object.name_any()), api.create(&parameters, object)).await
    }

    /// Replaces what was read before: `object` carries its resourceVersion.
    pub async fn replace<K: Kind + Serialize>(&self, object: &K) -> Result<K, CallError> {
        let (namespace, name) = (object.namespace().unwrap_or_default(), object.name_any());
        let api: Api<K> = Api::namespaced(self.client(), &namespace);
        let parameters = PostParams::default();
        self.write("update", what::<K>(&namespace, &name), api.replace(&name, &parameters, object)).await
    }

    /// A merge patch: for single annotations that others may stand beside.
    pub async fn merge<K: Kind>(&self, namespace: &str, name: &str, patch: &Value) -> Result<K, CallError> {
        let api: Api<K> = Api::namespaced(self.client(), namespace);
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        self.write("patch", what::<K>(namespace, name), api.patch(name, &parameters, &patch)).await
    }

    /// Server-side apply of the status in `object` (with apiVersion and kind) as `manager`. Forced: what it holds is ours.
    pub async fn apply_status<K: Kind>(
        &self,
        namespace: &str,
        name: &str,
        manager: &str,
        object: &Value,
    ) -> Result<K, CallError> {
        let api: Api<K> = Api::namespaced(self.client(), namespace);
        let (parameters, patch) = (PatchParams::apply(manager).force(), Patch::Apply(object));
        self.write("apply status of", what::<K>(namespace, name), api.patch_status(name, &parameters, &patch)).await
    }

    pub async fn read<T>(
        &self,
        verb: &'static str,
        what: String,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, CallError> {
        self.within(READ_DEADLINE, verb, what, call).await
    }

    pub async fn write<T>(
        &self,
        verb: &'static str,
        what: String,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, CallError> {
        self.leadership.check()?;
        self.within(WRITE_DEADLINE, verb, what, call).await
    }

    async fn within<T>(
        &self,
        deadline: Duration,
        verb: &'static str,
        what: String,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, CallError> {
        let answer = tokio::time::timeout(deadline, call).await;
        let outcome = match &answer {
            Ok(Ok(_)) => "ok",
            Ok(Err(kube::Error::Api(_))) => "refused",
            Ok(Err(_)) => "failed",
            Err(_) => "deadline",
        };
        self.metrics.api_calls.get_or_create(&CallLabels { verb, outcome }).inc();
        match answer {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(source)) => Err(CallError::Kube { verb, what, source: Box::new(source) }),
            Err(_) => Err(CallError::Deadline { verb, what, deadline }),
        }
    }
}

fn what<K: Kind>(namespace: &str, name: &str) -> String {
    format!("{} {namespace}/{name}", K::kind(&()))
}
