//! What a status is computed from.

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::ResourceExt as _;

use crate::api::ChatCluster;
use crate::autoscale::Observation;
use crate::cache::children::Child;
use crate::cache::kinds;
use crate::cache::pods::Component;
use crate::status::problems::Problem;

/// How far a reconciliation came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    Paused,
    /// The spec can't work; nothing was touched.
    Invalid,
    /// A Secret is missing or wrong; nothing was touched.
    Blocked,
    /// Topics and tables are being brought to this version; gateways and writers wait for it.
    Migrating,
    /// Something was refused, or the API server did not answer.
    Failed,
    /// Everything is as wanted, as far as the API server is concerned.
    Applied,
}

pub struct Facts<'a> {
    pub cluster: &'a ChatCluster,
    pub stage: Stage,
    /// Of the reconciliation itself, the worst first.
    pub problems: Vec<Problem>,
    pub workloads: Vec<Workload>,
    pub seen: &'a Observation,
    pub migrated: Option<String>,
    pub image: String,
    pub url: String,
    pub selector: String,
}

/// A Deployment or StatefulSet, as its controller reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    pub component: Component,
    pub wanted: u32,
    pub ready: u32,
    pub updated: u32,
    /// Its controller has seen the newest spec.
    pub seen: bool,
    /// And no pod of an older one is left.
    pub settled: bool,
    /// Its controller can't create pods: quota, admission.
    pub refused: Option<String>,
}

fn number(value: Option<i32>) -> u32 {
    u32::try_from(value.unwrap_or(0)).unwrap_or(0)
}

impl Workload {
    pub fn of(child: &Child) -> Option<Self> {
        let component = match child.key.name.rsplit('-').next()? {
            "gateway" => Component::Gateway,
            "writer" => Component::Writer,
            "web" => Component::Web,
            _ => return None,
        };
        if child.key.kind == &kinds::DEPLOYMENT {
            Some(Self::of_deployment(component, &child.typed()?))
        } else if child.key.kind == &kinds::STATEFUL_SET {
            Some(Self::of_stateful_set(component, &child.typed()?))
        } else {
            None
        }
    }

    fn of_deployment(component: Component, deployment: &Deployment) -> Self {
        let status = deployment.status.clone().unwrap_or_default();
        let wanted = number(deployment.spec.as_ref().and_then(|spec| spec.replicas).or(Some(1)));
        let updated = number(status.updated_replicas);
        let seen = status.observed_generation >= deployment.metadata.generation;
        let refused = status
            .conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
            .and_then(|condition| condition.message.clone());
        Self {
            component,
            wanted,
            ready: number(status.ready_replicas),
            updated,
            seen,
            settled: seen && number(status.replicas) <= updated,
            refused,
        }
    }

    fn of_stateful_set(component: Component, set: &StatefulSet) -> Self {
        let status = set.status.clone().unwrap_or_default();
        let seen = status.observed_generation >= set.metadata.generation;
        let updated = number(status.updated_replicas);
        let current = status.current_revision == status.update_revision || updated >= number(Some(status.replicas));
        Self {
            component,
            wanted: number(set.spec.as_ref().and_then(|spec| spec.replicas).or(Some(1))),
            ready: number(status.ready_replicas),
            updated,
            seen,
            settled: seen && current,
            refused: None,
        }
    }
}

impl Facts<'_> {
    pub fn workload(&self, component: Component) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.component == component)
    }
}

/// For objects that are made outside of the list of children.
pub fn owner(cluster: &ChatCluster) -> OwnerReference {
    use kube::Resource as _;
    OwnerReference {
        api_version: ChatCluster::api_version(&()).into_owned(),
        kind: ChatCluster::kind(&()).into_owned(),
        name: cluster.name_any(),
        uid: cluster.uid().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}
