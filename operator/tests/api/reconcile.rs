//! From a ChatCluster to its objects and its status, and back when somebody meddles.

use axum::http::Method;
use serde_json::{Value, json};

use crate::rig::{eventually, example};
use crate::world::{World, quick};

const NS: &str = "/namespaces/{ns}";

#[tokio::test]
async fn every_object_is_made_and_owned_and_the_status_is_of_this_generation() {
    let world = World::new("create").await;
    let mut cluster = example("distributed");
    cluster["spec"]["gateways"] = json!({"min": 2, "max": 4});
    let made = world.rig.create(&cluster, false).await.expect("taken").object;
    let _operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    let uid = made["metadata"]["uid"].as_str().expect("a uid");
    for path in [
        "/apis/apps/v1{}/deployments/chat-gateway",
        "/apis/apps/v1{}/statefulsets/chat-writer",
        "/apis/apps/v1{}/deployments/chat-web",
        "/api/v1{}/configmaps/chat-web",
        "/api/v1{}/services/chat-gateway",
        "/api/v1{}/secrets/chat-admin",
        "/apis/policy/v1{}/poddisruptionbudgets/chat-gateway",
    ] {
        let path = path.replace("{}", NS);
        let object = world.object(&path).await.unwrap_or_else(|| panic!("{path}"));
        let owner = &object["metadata"]["ownerReferences"][0];
        assert_eq!((owner["uid"].as_str(), owner["controller"].as_bool()), (Some(uid), Some(true)), "{path}");
    }
    let deployment = world.deployment().await;
    assert_eq!(deployment["spec"]["replicas"], 2);
    let managers = deployment["metadata"]["managedFields"].as_array().expect("managers").clone();
    let owns = |manager: &str| {
        let entry = managers.iter().find(|entry| entry["manager"] == manager).expect("the manager");
        entry["fieldsV1"]["f:spec"].clone()
    };
    assert_eq!(owns("elastic-chat/scaling"), json!({"f:replicas": {}}), "scaling owns replicas and nothing else");
    assert_eq!(owns("elastic-chat/gateways").get("f:replicas"), None);
    // Another generation: no condition may speak for it before it was looked at.
    world.rig.patch("chat", &json!({"spec": {"gateways": {"min": 3}}})).await.expect("taken");
    world.condition("chat", "Ready", "True").await;
    let status = world.cluster("chat").await.status.expect("a status");
    assert_eq!(status.observed_generation, Some(2));
    assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(2)));
    assert_eq!(status.conditions.len(), 6);
    assert_eq!(status.gateways.expect("gateways").summary, "3/3");
    world.end().await;
}

#[tokio::test]
async fn what_others_write_stays_and_what_is_ours_is_put_back() {
    let world = World::new("drift").await;
    world.rig.create(&quick(json!({"min": 2, "max": 2})), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    let path = format!("/apis/apps/v1/namespaces/{}/deployments/chat-gateway", world.rig.namespace);
    let foreign = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "chat-gateway",
            "annotations": {"admin.example/note": "mine"}},
        "spec": {"template": {"spec": {"containers": [{"name": "mesh-proxy", "image": "mesh:1",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
                "runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}}]}}},
    });
    world.rig.apply_as(&path, &foreign, "mesh").await.expect("a sidecar");
    let image = |deployment: &Value, name: &str| {
        let containers = deployment["spec"]["template"]["spec"]["containers"].as_array().expect("containers").clone();
        containers.iter().find(|container| container["name"] == name).map(|found| found["image"].clone())
    };
    let ours = image(&world.deployment().await, "chat-node").expect("ours");
    let strategic = "application/strategic-merge-patch+json";
    let meddled = json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "chat-node", "image": "evil:1"}]}}}});
    world.rig.send_as(Method::PATCH, &path, Some(&meddled), strategic).await.expect("meddled");
    eventually("the image is put back", async || {
        (image(&world.deployment().await, "chat-node").as_ref() == Some(&ours)).then_some(())
    })
    .await;
    let deployment = world.deployment().await;
    assert_eq!(image(&deployment, "mesh-proxy"), Some(json!("mesh:1")));
    assert_eq!(deployment["metadata"]["annotations"]["admin.example/note"], "mine");
    // Removed altogether, it is made again.
    let budget = world.rig.namespace.clone();
    let budget = format!("/apis/policy/v1/namespaces/{budget}/poddisruptionbudgets/chat-gateway");
    world.rig.send(Method::DELETE, &budget, None).await.expect("removed");
    eventually("the budget is back", async || world.object(&budget).await).await;
    drop(operator);
    world.end().await;
}

#[tokio::test]
async fn nothing_is_sent_when_nothing_changes() {
    let world = World::new("idle").await;
    world.rig.create(&quick(json!({"min": 2, "max": 2})), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Progressing", "False").await;
    let quiet = async || {
        let before = operator.metric("elastic_chat_operator_api_calls_total").await;
        let scraped = operator.metric("elastic_chat_operator_scrapes_total").await;
        eventually("five periods", async || {
            (operator.metric("elastic_chat_operator_scrapes_total").await >= scraped + 15.0).then_some(())
        })
        .await;
        operator.metric("elastic_chat_operator_api_calls_total").await - before
    };
    quiet().await; // what the first minute has to settle
    let calls = quiet().await;
    assert!(calls <= 2.0, "{calls} calls in five periods of an idle cluster");
    world.end().await;
}

#[tokio::test]
async fn a_paused_cluster_is_left_alone_and_a_deleted_one_goes() {
    let world = World::new("paused").await;
    world.rig.create(&quick(json!({"min": 2, "max": 2})), false).await.expect("taken");
    let operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    world.rig.patch("chat", &json!({"spec": {"paused": true, "gateways": {"min": 4, "max": 4}}})).await.expect("taken");
    let (reason, _) = world.condition("chat", "Progressing", "False").await;
    assert_eq!(reason, "Paused");
    let path = format!("/apis/policy/v1/namespaces/{}/poddisruptionbudgets/chat-gateway", world.rig.namespace);
    world.rig.send(Method::DELETE, &path, None).await.expect("removed");
    let scraped = operator.metric("elastic_chat_operator_scrapes_total").await;
    eventually("three periods", async || {
        (operator.metric("elastic_chat_operator_scrapes_total").await >= scraped + 9.0).then_some(())
    })
    .await;
    assert_eq!((world.replicas().await, world.object(&path).await.is_some()), (2, false));
    world.rig.patch("chat", &json!({"spec": {"paused": false}})).await.expect("taken");
    eventually("it goes on", async || (world.replicas().await == 4).then_some(())).await;
    world.rig.send(Method::DELETE, &world.rig.cluster_path("chat"), None).await.expect("deleted");
    eventually("its objects go", async || {
        (world.deployment().await.is_null() && world.kubelet.gateways().is_empty()).then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test]
async fn a_missing_or_wrong_secret_is_one_readable_condition() {
    let world = World::new("secrets").await;
    let mut cluster = quick(json!({"min": 1, "max": 1}));
    cluster["spec"]["auth"] = json!({"signingKeySecret": {"name": "keys", "key": "signing"}});
    world.rig.create(&cluster, false).await.expect("taken");
    let _operator = world.operator().await;
    let (reason, message) = world.condition("chat", "Ready", "False").await;
    assert_eq!(reason, "SecretMissing");
    assert!(message.contains("keys") && message.contains("spec.auth.signingKeySecret"), "{message}");
    assert!(world.deployment().await.is_null(), "nothing is begun without it");
    let secret = |value: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"},
        "stringData": {"signing": value}})
    };
    world.rig.apply(&secret("hunter2"), false).await.expect("a Secret");
    let message = eventually("the wrong key is told of", async || {
        let (reason, message) = world.condition("chat", "Ready", "False").await;
        (reason == "SecretInvalid").then_some(message)
    })
    .await;
    assert!(message.contains("32 bytes") && !message.contains("hunter2"), "{message}");
    world.rig.apply(&secret(&"0a".repeat(32)), false).await.expect("a Secret");
    world.condition("chat", "Ready", "True").await;
    let events = world.events("chat").await;
    assert!(events.contains(&"SecretMissing".to_owned()) && events.contains(&"Ready".to_owned()), "{events:?}");
    assert_eq!(events.iter().filter(|reason| *reason == "SecretMissing").count(), 1, "told once: {events:?}");
    world.end().await;
}

#[tokio::test]
async fn what_keeps_pods_from_starting_is_told() {
    let world = World::new("trouble").await;
    world.kubelet.nodes.lock().newborn = Some(|node| {
        if node.component == "gateway" {
            node.stuck = Some(("ImagePullBackOff", "Back-off pulling image: not found"));
        }
    });
    world.rig.create(&quick(json!({"min": 2, "max": 2})), false).await.expect("taken");
    let _operator = world.operator().await;
    let message = eventually("the image is told of", async || {
        let (reason, message) = world.condition("chat", "Ready", "False").await;
        (reason == "ImageNotPulled").then_some(message)
    })
    .await;
    assert!(message.contains("not found"), "{message}");
    // A quota in another cluster's way.
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"count/pods": "3"}}});
    let path = format!("/api/v1/namespaces/{}/resourcequotas", world.rig.namespace);
    world.rig.send(Method::POST, &path, Some(&quota)).await.expect("a quota");
    // It holds from when it was counted for the first time.
    let path = format!("{path}/small");
    eventually("the quota is counted", async || {
        let quota = world.rig.send(Method::GET, &path, None).await.expect("a quota").object;
        quota["status"]["used"].is_object().then_some(())
    })
    .await;
    let mut other = example("embedded");
    other["metadata"]["name"] = json!("small");
    world.rig.create(&other, false).await.expect("taken");
    let message = eventually("the quota is told of", async || {
        let (reason, message) = world.condition("small", "Ready", "False").await;
        (reason == "PodsRefused").then_some(message)
    })
    .await;
    assert!(message.contains("quota"), "{message}");
    world.end().await;
}
