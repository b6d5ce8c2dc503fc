//! Every object that ChatClusters own, kept as compact text: five hundred clusters have thousands.

use std::collections::HashMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use kube::ResourceExt as _;
use kube::api::{DynamicObject, TypeMeta};
use parking_lot::RwLock;
use serde_json::Value;

use crate::cache::kinds::ChildKind;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChildKey {
    pub kind: &'static ChildKind,
    pub namespace: String,
    pub name: String,
}

impl fmt::Display for ChildKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.name, self.namespace, self.name)
    }
}

#[derive(Debug)]
pub struct Child {
    pub key: ChildKey,
    pub uid: String,
    pub version: String,
    pub owner: Option<String>,
    pub owner_uid: Option<String>,
    /// Of what people and controllers write: not the version, nor the status.
    pub hash: u64,
    /// Of the status, for the kinds whose status is looked at.
    pub status_hash: u64,
    body: Box<str>,
}

impl Child {
    pub fn of(kind: &'static ChildKind, mut object: DynamicObject) -> Self {
        object.metadata.managed_fields = None;
        // Items of a list come without.
        object.types = Some(TypeMeta { api_version: kind.api_version(), kind: kind.name.to_owned() });
        let owner = object
            .owner_references()
            .iter()
            .find(|owner| owner.kind == "ChatCluster" && owner.api_version.starts_with("elastic-chat.io/"))
            .cloned();
        let key = ChildKey { kind, namespace: object.namespace().unwrap_or_default(), name: object.name_any() };
        let status = object.data.as_object_mut().and_then(|data| data.remove("status")).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        let metadata = &object.metadata;
        (&metadata.labels, &metadata.annotations, &metadata.uid, &metadata.finalizers).hash(&mut hasher);
        metadata.deletion_timestamp.is_some().hash(&mut hasher);
        metadata.owner_references.iter().flatten().for_each(|owner| owner.uid.hash(&mut hasher));
        object.data.to_string().hash(&mut hasher);
        let hash = hasher.finish();
        let mut status_hash = 0;
        let (uid, version) = (object.uid().unwrap_or_default(), object.resource_version().unwrap_or_default());
        if kind.status {
            let mut hasher = DefaultHasher::new();
            status.to_string().hash(&mut hasher);
            status_hash = hasher.finish();
            object.data["status"] = status;
        }
        let body = serde_json::to_string(&object).unwrap_or_default().into_boxed_str();
        let (owner, owner_uid) = owner.map(|owner| (owner.name, owner.uid)).unzip();
        Self { key, uid, version, owner, owner_uid, hash, status_hash, body }
    }

    pub fn value(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }

    /// As its own type.
    pub fn typed<K: serde::de::DeserializeOwned>(&self) -> Option<K> {
        serde_json::from_str(&self.body).ok()
    }

    fn is_older_than(&self, other: &Self) -> bool {
        let number = |child: &Self| child.version.parse::<u64>().ok();
        self.uid == other.uid && matches!((number(self), number(other)), (Some(a), Some(b)) if a < b)
    }
}

/// Cheap to clone; all clones see the same.
#[derive(Clone, Default)]
pub struct Children {
    all: Arc<RwLock<HashMap<ChildKey, Arc<Child>>>>,
}

impl Children {
    pub fn get(&self, key: &ChildKey) -> Option<Arc<Child>> {
        self.all.read().get(key).cloned()
    }

    /// What the API server answered, or a watch told. Something older than what is known is left out. Tells whether anything
    /// changed but the version.
    pub fn put(&self, child: Child) -> bool {
        let mut all = self.all.write();
        let before = all.get(&child.key);
        if before.is_some_and(|before| child.is_older_than(before)) {
            return false;
        }
        let changed = before.is_none_or(|before| (before.hash, before.status_hash) != (child.hash, child.status_hash));
        all.insert(child.key.clone(), Arc::new(child));
        changed
    }

    pub fn remove(&self, key: &ChildKey) -> Option<Arc<Child>> {
        self.all.write().remove(key)
    }

    /// Keys of one kind, to find those that a new list no longer has.
    pub fn keys(&self, kind: &'static ChildKind) -> Vec<ChildKey> {
        self.all.read().keys().filter(|key| key.kind == kind).cloned().collect()
    }

    /// Everything of one owner. Looks at all there is: some 100 µs for 500 clusters.
    pub fn owned(&self, namespace: &str, owner_uid: &str) -> Vec<Arc<Child>> {
        let all = self.all.read();
        let of =
            |child: &&Arc<Child>| child.key.namespace == namespace && child.owner_uid.as_deref() == Some(owner_uid);
        all.values().filter(of).cloned().collect()
    }

    pub fn len(&self) -> usize {
        self.all.read().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
