//! Server-side apply that sends nothing when nothing changed.
//!
//! Each concern has a field manager of its own, so that what one stops to want is removed, and nothing that others wrote.
//! `replicas` belongs to [`SCALING`] alone: GitOps tools that apply a ChatCluster never see it.

use std::collections::HashMap;

use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, Preconditions};
use parking_lot::Mutex;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::cache::children::{Child, ChildKey, Children};
use crate::calls::{CallError, Calls};
use crate::metrics::Metrics;

pub mod compare;

pub const SCALING: &str = "elastic-chat/scaling";
pub const STATUS: &str = "elastic-chat/status";
/// Of what was applied, so that a field that is no longer wanted is noticed by another operator too.
pub const APPLIED: &str = "elastic-chat.io/applied";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Unchanged,
    Created,
    Changed,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{kind} {name} exists and belongs to somebody else: rename the ChatCluster, or remove that object")]
    NameTaken { kind: &'static str, name: String },
    #[error("{0} is no kind that this operator applies")]
    Kind(String),
}

/// Whose object it is.
#[derive(Debug, Clone)]
pub struct Owner {
    pub name: String,
    pub uid: String,
}

pub struct Applier {
    calls: Calls,
    children: Children,
    metrics: Metrics,
    /// What was wanted, and what the API server had after we last looked: both unchanged means nothing to do.
    settled: Mutex<HashMap<ChildKey, Settled>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Settled {
    wanted: String,
    live: u64,
}

impl Applier {
    pub fn new(calls: Calls, children: Children, metrics: Metrics) -> Self {
        Self { calls, children, metrics, settled: Mutex::default() }
    }

    /// Makes `wanted` (with apiVersion, kind and name) so in `namespace`. Fields that `wanted` does not name are left.
    pub async fn apply(
        &self,
        namespace: &str,
        owner: &Owner,
        manager: &str,
        mut wanted: Value,
    ) -> Result<Outcome, ApplyError> {
        let key = key_of(namespace, &wanted)?;
        let digest = digest(&wanted);
        wanted["metadata"]["annotations"][APPLIED] = Value::String(digest.clone());
        let live = match self.children.get(&key) {
            Some(live) => Some(live),
            // Not among ours: it does not exist, or it is not ours.
            None => self.read(&key).await?,
        };
        if let Some(live) = &live {
            if live.owner_uid.as_deref() != Some(&owner.uid) {
                return Err(ApplyError::NameTaken { kind: key.kind.name, name: key.name });
            }
            let settled = Settled { wanted: digest.clone(), live: live.hash };
            let known = self.settled.lock().get(&key) == Some(&settled);
            if known || live.value().is_some_and(|value| compare::holds(&wanted, &value)) {
                self.settled.lock().insert(key, settled);
                self.metrics.applies_skipped.inc();
                return Ok(Outcome::Unchanged);
            }
        }
        let parameters = PatchParams::apply(manager).force();
        let answer = self.patch(&key, &parameters, &Patch::Apply(&wanted)).await?;
        self.settled.lock().insert(key, Settled { wanted: digest, live: answer.hash });
        self.children.put(answer);
        Ok(if live.is_some() { Outcome::Changed } else { Outcome::Created })
    }

    /// Sets how many pods a workload should have. `version`: only if the workload is still the one that was looked at.
    pub async fn scale(&self, key: &ChildKey, replicas: u32, version: Option<&str>) -> Result<(), ApplyError> {
        let mut wanted = json!({
            "apiVersion": key.kind.api_version(), "kind": key.kind.name,
            "metadata": {"name": key.name},
            "spec": {"replicas": replicas},
        });
        if let Some(version) = version {
            wanted["metadata"]["resourceVersion"] = Value::String(version.to_owned());
        }
        let parameters = PatchParams::apply(SCALING).force();
        let answer = self.patch(key, &parameters, &Patch::Apply(&wanted)).await?;
        self.children.put(answer);
        Ok(())
    }

    /// Removes what is ours and no longer wanted.
    pub async fn delete(&self, child: &Child) -> Result<(), ApplyError> {
        let parameters = DeleteParams {
            preconditions: Some(Preconditions { uid: Some(child.uid.clone()), ..Preconditions::default() }),
            ..DeleteParams::background()
        };
        let key = &child.key;
        let api = self.api(key);
        match self.calls.write("delete", key.to_string(), api.delete(&key.name, &parameters)).await {
            Ok(_) => {}
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
        self.settled.lock().remove(key);
        Ok(())
    }

    /// Forgets what is known of a cluster that is gone.
    pub fn forget(&self, namespace: &str, owned: impl Fn(&ChildKey) -> bool) {
        self.settled.lock().retain(|key, _| key.namespace != namespace || !owned(key));
    }

    async fn read(&self, key: &ChildKey) -> Result<Option<std::sync::Arc<Child>>, ApplyError> {
        let api = self.api(key);
        let found = self.calls.read("get", key.to_string(), api.get_opt(&key.name)).await?;
        Ok(found.map(|object| std::sync::Arc::new(Child::of(key.kind, object))))
    }

    async fn patch(
        &self,
        key: &ChildKey,
        parameters: &PatchParams,
        patch: &Patch<&Value>,
    ) -> Result<Child, ApplyError> {
        let api = self.api(key);
        let object = self.calls.write("apply", key.to_string(), api.patch(&key.name, parameters, patch)).await?;
        Ok(Child::of(key.kind, object))
    }

    fn api(&self, key: &ChildKey) -> Api<DynamicObject> {
        Api::namespaced_with(self.calls.client(), &key.namespace, &key.kind.resource())
    }
}

fn key_of(namespace: &str, wanted: &Value) -> Result<ChildKey, ApplyError> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let kind = text(&wanted["kind"]);
    let kind = crate::cache::kinds::named(&kind).ok_or(ApplyError::Kind(kind))?;
    Ok(ChildKey { kind, namespace: namespace.to_owned(), name: text(&wanted["metadata"]["name"]) })
}

/// The same for the same object in any process: maps are in the order in which they were built, which is always the same.
fn digest(wanted: &Value) -> String {
    let hash = Sha256::digest(wanted.to_string().as_bytes());
    hash.iter().take(10).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
