//! One reconciliation of one ChatCluster.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use kube::runtime::controller::Action;
use rand::RngExt as _;
use serde_json::json;

use crate::api::{ChatCluster, ChatClusterStatus};
use crate::apply::{ApplyError, Outcome, Owner, STATUS};
use crate::autoscale;
use crate::cache::children::ChildKey;
use crate::cache::kinds;
use crate::calls::CallError;
use crate::children::{self, Component, Concern};
use crate::clusters::{Cluster, ClusterKey};
use crate::context::Context;
use crate::controller::{admin_tokens, build, dereference, refusals, validate};
use crate::election::NotLeading;
use crate::events::Note;
use crate::status::compute;
use crate::status::facts::{Facts, Stage, Workload};
use crate::status::problems::{self, Problem};

/// Without any trigger, everything is looked at again after so long (with 20 % of jitter).
const LOOK_AGAIN: Duration = Duration::from_mins(10);
/// While Secrets are wrong, or something was refused.
const LOOK_SOON: Duration = Duration::from_secs(15);

#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    #[error(transparent)]
    Call(#[from] CallError),
    #[error("{} objects could not be applied, the first: {}", .0.len(), .0[0])]
    Apply(Vec<ApplyError>),
    #[error("it was not over after {} s", .0.as_secs())]
    Deadline(Duration),
}

impl From<NotLeading> for ReconcileError {
    fn from(error: NotLeading) -> Self {
        Self::Call(error.into())
    }
}

impl ReconcileError {
    /// For metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Call(CallError::NotLeading(_)) => "not_leading",
            Self::Call(CallError::Deadline { .. }) | Self::Deadline(_) => "deadline",
            Self::Call(_) => "api",
            Self::Apply(_) => "apply",
        }
    }
}

/// What a pass came to, for the status.
struct Pass {
    stage: Stage,
    problems: Vec<Problem>,
    migrated: Option<String>,
    failures: Vec<ApplyError>,
}

impl Pass {
    fn stopped(stage: Stage, problem: Problem, cluster: &ChatCluster) -> Self {
        Self { stage, problems: vec![problem], migrated: migrated(cluster), failures: Vec::new() }
    }
}

fn migrated(cluster: &ChatCluster) -> Option<String> {
    cluster.status.as_ref().and_then(|status| status.migrated.clone())
}

/// # Errors
/// What the API server refused or did not answer; it is tried again with backoff.
pub async fn reconcile(cluster: &ChatCluster, context: &Arc<Context>) -> Result<Action, ReconcileError> {
    context.calls.leadership().check()?;
    let key = ClusterKey::of(cluster);
    if cluster.metadata.deletion_timestamp.is_some() {
        // Owner references do the rest.
        context.clusters.remove(&key);
        return Ok(Action::await_change());
    }
    let (entry, new) = context.clusters.enter(cluster);
    if let Some(stop) = new {
        context.metrics.clusters.set(i64::try_from(context.clusters.len()).unwrap_or(i64::MAX));
        let scaling = autoscale::run(Arc::clone(context), Arc::clone(&entry), cluster.clone(), stop);
        context.tasks.spawn(scaling);
    }
    let built = build::context(context, BTreeMap::new());
    let pass = pass(context, &entry, cluster, built).await;
    let (pass, error) = match pass {
        Ok(mut pass) => {
            let failures = std::mem::take(&mut pass.failures);
            (pass, (!failures.is_empty()).then_some(ReconcileError::Apply(failures)))
        }
        Err(CallError::NotLeading(error)) => return Err(error.into()),
        Err(error) => {
            let problem = Problem::degrading("ApiServerFailed", error.to_string());
            (Pass::stopped(Stage::Failed, problem, cluster), Some(error.into()))
        }
    };
    let stage = pass.stage.clone();
    report(context, &entry, cluster, pass).await?;
    if let Some(error) = error {
        return Err(error);
    }
    let jitter = rand::rng().random_range(0.8..1.2);
    Ok(match stage {
        Stage::Invalid => Action::await_change(),
        Stage::Blocked | Stage::Migrating | Stage::Failed => Action::requeue(LOOK_SOON.mul_f64(jitter)),
        Stage::Paused | Stage::Applied => Action::requeue(LOOK_AGAIN.mul_f64(jitter)),
    })
}

/// dereference → validate → build → apply.
async fn pass(
    context: &Context,
    entry: &Cluster,
    cluster: &ChatCluster,
    mut built: children::Context,
) -> Result<Pass, CallError> {
    if cluster.spec.paused {
        *entry.applied.write() = Some(Arc::new(cluster.clone()));
        let pass =
            Pass { stage: Stage::Paused, problems: Vec::new(), migrated: migrated(cluster), failures: Vec::new() };
        return Ok(pass);
    }
    if let Some(problem) = validate::validate(cluster, &built) {
        return Ok(Pass::stopped(Stage::Invalid, problem, cluster));
    }
    let known = dereference::secrets(context, entry, cluster).await?;
    if !known.problems.is_empty() {
        let pass =
            Pass { stage: Stage::Blocked, problems: known.problems, migrated: migrated(cluster), failures: Vec::new() };
        return Ok(pass);
    }
    built.secrets = known.hashes;
    match admin_tokens::ensure(context, entry, cluster).await {
        Ok(()) => {}
        Err(admin_tokens::TokenError::Call(error)) => return Err(error),
        Err(error) => {
            let problem = Problem::blocking("NameTaken", error.to_string());
            return Ok(Pass::stopped(Stage::Failed, problem, cluster));
        }
    }
    Ok(apply(context, entry, cluster, &built).await)
}

async fn apply(context: &Context, entry: &Cluster, cluster: &ChatCluster, built: &children::Context) -> Pass {
    let owner = Owner { name: entry.key.name.clone(), uid: entry.uid.clone() };
    let children = children::all(cluster, built);
    let job = children.iter().find(|child| child.kind() == kinds::JOB.name).map(|child| child.name().to_owned());
    let migration = Migration::of(context, cluster, built, job);
    let mut wanted: HashSet<ChildKey> = HashSet::new();
    let mut pass =
        Pass { stage: Stage::Applied, problems: Vec::new(), migrated: migrated(cluster), failures: Vec::new() };
    let mut rolled = Vec::new();
    for child in children {
        let Some(kind) = kinds::named(child.kind()) else { continue };
        let namespace = entry.key.namespace.clone();
        let key = ChildKey { kind, namespace, name: child.name().to_owned() };
        wanted.insert(key.clone());
        let waits = match child.concern {
            Concern::Migration => !migration.run && kind == &kinds::JOB,
            Concern::Gateways | Concern::Writers => migration.run,
            _ => false,
        };
        if waits {
            continue;
        }
        match context.applier.apply(&entry.key.namespace, &owner, child.concern.manager(), child.object).await {
            Ok(Outcome::Changed) if matches!(child.concern, Concern::Gateways | Concern::Writers) => {
                rolled.push(key.name);
            }
            Ok(_) => {}
            Err(error) => pass.failures.push(error),
        }
    }
    if let (true, Some(job)) = (migration.run, &migration.failed) {
        let text =
            format!("Job {job} failed: see its pods' logs; it is run again when the spec changes or it is deleted");
        pass.problems.push(Problem::blocking("MigrationFailed", text));
    }
    if migration.run {
        pass.stage = Stage::Migrating;
    } else {
        pass.migrated = migration.done;
    }
    if pass.failures.is_empty() && !migration.run {
        prune(context, entry, &wanted, &mut pass.failures).await;
    }
    if !pass.failures.is_empty() {
        pass.stage = Stage::Failed;
        pass.problems.extend(pass.failures.iter().map(refused));
    } else if !migration.run {
        *entry.applied.write() = Some(Arc::new(cluster.clone()));
        entry.hurry.notify_one();
    }
    for name in rolled {
        let text = format!("{name} was changed; where its pods change, they are replaced by draining");
        context.events.tell(entry, Note::normal("Changed", "Apply", text)).await;
    }
    pass
}

/// The API server's words; what can be done is said by them.
fn refused(error: &ApplyError) -> Problem {
    match error {
        ApplyError::NameTaken { .. } => Problem::blocking("NameTaken", error.to_string()),
        ApplyError::Call(call) if call.is_refusal() => Problem::blocking("Refused", error.to_string()),
        _ => Problem::degrading("ApplyFailed", error.to_string()),
    }
}

/// Where the migration stands.
struct Migration {
    /// It has to be run, or is running, before gateways and writers may change.
    run: bool,
    /// Name of the Job that failed for good.
    failed: Option<String>,
    /// Hash of the one that is done.
    done: Option<String>,
}

impl Migration {
    /// `name` is that of the Job, when there is to be one.
    fn of(context: &Context, cluster: &ChatCluster, built: &children::Context, name: Option<String>) -> Self {
        let before = migrated(cluster);
        let Some(name) = name.filter(|_| children::migration_needed(cluster, built)) else {
            return Self { run: false, failed: None, done: before };
        };
        let hash = children::migration_hash(cluster, built);
        let namespace = cluster.namespace().unwrap_or_default();
        let job = context.children.get(&ChildKey { kind: &kinds::JOB, namespace, name: name.clone() });
        let job = job.and_then(|child| child.typed::<Job>());
        let ended = |type_: &str| {
            let conditions = job.as_ref().and_then(|job| job.status.as_ref()?.conditions.as_ref());
            conditions.into_iter().flatten().any(|condition| condition.type_ == type_ && condition.status == "True")
        };
        if ended("Complete") {
            return Self { run: false, failed: None, done: Some(hash) };
        }
        Self { run: true, failed: ended("Failed").then_some(name), done: before }
    }
}

/// Removes what is ours and no longer wanted, but for Jobs, which end by themselves.
async fn prune(context: &Context, entry: &Cluster, wanted: &HashSet<ChildKey>, failures: &mut Vec<ApplyError>) {
    for child in context.children.owned(&entry.key.namespace, &entry.uid) {
        if wanted.contains(&child.key) || child.key.kind == &kinds::JOB {
            continue;
        }
        if let Err(error) = context.applier.delete(&child).await {
            failures.push(error);
        }
    }
}

/// Computes the status, tells of problems, and writes what is worth writing.
async fn report(context: &Context, entry: &Cluster, cluster: &ChatCluster, pass: Pass) -> Result<(), ReconcileError> {
    let pods = context.pods.of(&entry.key.namespace, &entry.key.name);
    let owned = context.children.owned(&entry.key.namespace, &entry.uid);
    let mut workloads: Vec<Workload> = owned.iter().filter_map(|child| Workload::of(child)).collect();
    for (workload, child) in workloads.iter_mut().zip(owned.iter().filter(|child| Workload::of(child).is_some())) {
        let there = pods.iter().filter(|pod| pod.component == workload.component && !pod.ended).count();
        let asked = workload.wanted as usize > there && child.key.kind == &kinds::STATEFUL_SET;
        if asked && pass.stage == Stage::Applied {
            workload.refused = refusals::of_stateful_set(context, &child.key).await.ok().flatten();
        }
    }
    let seen = entry.observed.read().clone();
    let mut problems = pass.problems.clone();
    let created = workloads.iter().filter_map(|workload| {
        Some(Problem::degrading("PodsRefused", format!("pods can't be created: {}", workload.refused.as_ref()?)))
    });
    problems.extend(created);
    problems.extend(problems::of_pods(&pods));
    problems.extend(problems::of_readings(&seen));
    let built = build::context(context, BTreeMap::new());
    let facts = Facts {
        cluster,
        stage: pass.stage,
        problems: pass.problems,
        workloads,
        seen: &seen,
        migrated: pass.migrated,
        image: cluster.spec.image.of("chat-node", &built.version),
        url: children::url(cluster),
        selector: children::selector(cluster, Component::Gateway),
    };
    let before = entry.written.lock().status.clone();
    let next = compute::status(&facts, &problems, &before);
    for problem in &problems {
        let note = Note::warning(problem.reason.clone(), "Reconcile", problem.message.clone());
        context.events.tell(entry, note).await;
    }
    tell_of_changes(context, entry, &before, &next).await;
    context.metrics.told(&entry.key.namespace, &entry.key.name, &next.conditions);
    if entry.written.lock().wants(&next, Instant::now()) {
        write(context, entry, next).await?;
    }
    Ok(())
}

/// Ready coming and going, and a rollout that ended, are worth an event each.
async fn tell_of_changes(context: &Context, entry: &Cluster, before: &ChatClusterStatus, next: &ChatClusterStatus) {
    let ready = |status: &ChatClusterStatus| {
        let found = status.conditions.iter().find(|condition| condition.type_ == crate::api::condition::READY);
        found.map(|condition| (condition.status.clone(), condition.message.clone()))
    };
    let (old, new) = (ready(before), ready(next));
    if let (Some((was, _)), Some((is, message))) = (&old, &new)
        && was != is
    {
        let note = if is == "True" {
            Note::normal("Ready", "Reconcile", message.clone())
        } else {
            Note::warning("NotReady", "Reconcile", message.clone())
        };
        context.events.tell(entry, note).await;
    }
    if let (Some(old), Some(new)) = (&before.image, &next.image)
        && old != new
    {
        let note = Note::normal("RolledOut", "Rollout", format!("all gateways run {new}, after {old}"));
        context.events.tell(entry, note).await;
    }
}

async fn write(context: &Context, entry: &Cluster, status: ChatClusterStatus) -> Result<(), ReconcileError> {
    use kube::Resource as _;
    let object = json!({
        "apiVersion": ChatCluster::api_version(&()), "kind": ChatCluster::kind(&()),
        "metadata": {"name": entry.key.name, "namespace": entry.key.namespace, "uid": entry.uid},
        "status": status,
    });
    let (namespace, name) = (&entry.key.namespace, &entry.key.name);
    match context.calls.apply_status::<ChatCluster>(namespace, name, STATUS, &object).await {
        Ok(_) => {
            entry.written.lock().wrote(status, Instant::now());
            Ok(())
        }
        // Deleted meanwhile, or made anew under the same name.
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        Err(error) => Err(error.into()),
    }
}
