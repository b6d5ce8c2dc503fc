//! Every object of every example, as the API server sees it: nothing unknown, nothing that warns, nothing that the
//! restricted standard refuses.

use std::collections::BTreeMap;

use axum::http::Method;
use kube::ResourceExt as _;
use operator::api::ChatCluster;
use operator::children::{Child, Context, all};
use serde_json::{Value, json};

use crate::rig::{EXAMPLES, Rig, example};

async fn context(rig: &Rig) -> Context {
    let served = async |path: &str| rig.send(Method::GET, path, None).await.is_ok();
    Context {
        version: "1.2.3".to_owned(),
        operator_namespace: "elastic-chat-system".to_owned(),
        http_routes: served("/apis/gateway.networking.k8s.io/v1").await,
        pod_monitors: served("/apis/monitoring.coreos.com/v1").await,
        secrets: BTreeMap::new(),
    }
}

/// Some examples name a priority: pods with an unknown one are refused.
async fn priority_class(rig: &Rig) {
    let class = json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "important"}, "value": 1000,
    });
    let path = "/apis/scheduling.k8s.io/v1/priorityclasses/important?fieldManager=test&force=true";
    rig.send_as(Method::PATCH, path, Some(&class), "application/apply-patch+yaml").await.expect("a class");
}

async fn made(rig: &Rig, name: &str) -> (ChatCluster, Vec<Child>) {
    let taken = rig.create(&example(name), false).await.expect(name);
    let cluster: ChatCluster = serde_json::from_value(taken.object).expect("ours");
    let children = all(&cluster, &context(rig).await);
    (cluster, children)
}

#[tokio::test]
async fn every_object_is_taken_without_a_warning() {
    let rig = Rig::new("children").await;
    priority_class(&rig).await;
    for name in EXAMPLES {
        let (_, children) = made(&rig, name).await;
        for child in children {
            // First only asked, then really, so that pods find their ServiceAccount.
            for dry_run in [true, false] {
                let taken = rig.apply(&child.object, dry_run).await;
                let taken =
                    taken.unwrap_or_else(|error| panic!("{name}: {} {}: {error:?}", child.kind(), child.name()));
                assert_eq!(taken.warnings, Vec::<String>::new(), "{name}: {} {}", child.kind(), child.name());
            }
        }
    }
    rig.end().await;
}

/// Workloads are only warned about; a pod is refused.
#[tokio::test]
async fn pods_pass_the_restricted_standard() {
    let rig = Rig::new("pods").await;
    priority_class(&rig).await;
    for name in EXAMPLES {
        let (_, children) = made(&rig, name).await;
        for child in children.iter().filter(|child| child.kind() == "ServiceAccount") {
            rig.apply(&child.object, false).await.expect("a service account");
        }
        for child in children {
            let template = &child.object["spec"]["template"];
            if !matches!(child.kind(), "Deployment" | "StatefulSet" | "Job") {
                continue;
            }
            let mut pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": child.name(), "labels": template["metadata"]["labels"]},
                "spec": template["spec"],
            });
            let claims = child.object["spec"]["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
            for claim in claims {
                let name = claim["metadata"]["name"].clone();
                let volume = json!({"name": name, "persistentVolumeClaim": {"claimName": name}});
                pod["spec"]["volumes"].as_array_mut().expect("volumes").push(volume);
            }
            let path = format!("/api/v1/namespaces/{}/pods?dryRun=All&fieldValidation=Strict", rig.namespace);
            let taken = rig.send(Method::POST, &path, Some(&pod)).await;
            let taken = taken.unwrap_or_else(|error| panic!("{name}: {}: {error:?}", child.name()));
            assert_eq!(taken.warnings, Vec::<String>::new(), "{name}: {}", child.name());
        }
    }
    rig.end().await;
}

/// What others write on our objects stays when we apply again: an autoscaler's replicas, a person's annotation.
#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let rig = Rig::new("foreign").await;
    let (_, children) = made(&rig, "distributed").await;
    let gateway =
        children.iter().find(|child| child.kind() == "Deployment" && child.name() == "chat-gateway").expect("one");
    rig.apply(&gateway.object, false).await.expect("taken");
    let path = crate::rig::object_path(&rig.namespace, &gateway.object);
    let foreign = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "chat-gateway", "annotations": {"example.com/note": "mine"}},
        "spec": {"replicas": 7},
    });
    rig.apply_as(&path, &foreign, "somebody").await.expect("no conflict: these fields are not ours");
    let again = rig.apply(&gateway.object, false).await.expect("taken again").object;
    assert_eq!(again["spec"]["replicas"], 7);
    assert_eq!(again["metadata"]["annotations"]["example.com/note"], "mine");
    rig.end().await;
}

/// A field of ours that somebody changed is put back by applying, and applying twice changes nothing.
#[tokio::test]
async fn applying_again_changes_nothing_and_repairs_what_is_ours() {
    let rig = Rig::new("drift").await;
    let (cluster, children) = made(&rig, "distributed-shared-volume").await;
    for child in &children {
        let first = rig.apply(&child.object, false).await.expect("taken").object;
        let second = rig.apply(&child.object, false).await.expect("taken").object;
        assert_eq!(content(first), content(second), "{} {}", child.kind(), child.name());
    }
    let service =
        children.iter().find(|child| child.kind() == "Service" && child.name() == cluster.name_any()).expect("one");
    let path = crate::rig::object_path(&rig.namespace, &service.object);
    let drift = json!({"spec": {"type": "ClusterIP", "selector": {"app.kubernetes.io/component": "web"}}});
    rig.send_as(Method::PATCH, &path, Some(&drift), "application/merge-patch+json").await.expect("changed");
    let repaired = rig.apply(&service.object, false).await.expect("taken").object;
    assert_eq!(repaired["spec"]["type"], "LoadBalancer");
    assert_eq!(repaired["spec"]["selector"]["app.kubernetes.io/component"], "gateway");
    rig.end().await;
}

/// Without what controllers write meanwhile.
fn content(mut object: Value) -> Value {
    object.as_object_mut().expect("an object").remove("status");
    let metadata = object["metadata"].as_object_mut().expect("metadata");
    for field in ["resourceVersion", "managedFields", "annotations"] {
        metadata.remove(field);
    }
    object
}
