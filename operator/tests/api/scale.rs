//! The scale subresource: what `kubectl scale` and a HorizontalPodAutoscaler see and set.

use axum::http::Method;
use operator::children::{Component, selector};
use serde_json::{Value, json};

use crate::rig::{Rig, example};

impl Rig {
    async fn scale(&self, name: &str, replicas: u32) -> Result<Value, String> {
        let path = format!("{}/scale", self.cluster_path(name));
        let patch = json!({"spec": {"replicas": replicas}});
        let answer = self.send_as(Method::PATCH, &path, Some(&patch), "application/merge-patch+json").await;
        answer.map(|taken| taken.object).map_err(|refused| refused.message)
    }

    /// A cluster's row as `kubectl get -o wide` has it.
    pub async fn table_row(&self, name: &str) -> Vec<Value> {
        use axum::http::Request;
        use http_body_util::BodyExt as _;
        let request = Request::builder()
            .uri(self.cluster_path(name))
            .header("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
            .body(kube::client::Body::empty())
            .expect("a request");
        let response = self.client.send(request).await.expect("an answer");
        let body = response.into_body().collect().await.expect("the whole answer").to_bytes();
        let table: Value = serde_json::from_slice(&body).expect("JSON");
        table["rows"][0]["cells"].as_array().expect("a row").clone()
    }
}

#[tokio::test]
async fn scaling_moves_the_floor_within_the_bounds() {
    let rig = Rig::new("scale").await;
    let taken = rig.create(&example("distributed"), false).await.expect("taken").object;
    let cluster = serde_json::from_value(taken).expect("ours");
    let scale = rig.scale("chat", 5).await.expect("within the bounds");
    assert_eq!(scale["spec"]["replicas"], 5);
    let now = rig.send(Method::GET, &rig.cluster_path("chat"), None).await.expect("there").object;
    assert_eq!(now["spec"]["gateways"]["min"], 5);
    let refused = rig.scale("chat", 51).await.expect_err("above gateways.max");
    assert!(refused.contains("raise max or lower min"), "{refused}");

    let status = json!({
        "apiVersion": "elastic-chat.io/v1alpha1", "kind": "ChatCluster", "metadata": {"name": "chat"},
        "status": {"gateways": {"replicas": 6, "selector": selector(&cluster, Component::Gateway)}},
    });
    let path = format!("{}/status", rig.cluster_path("chat"));
    rig.apply_as(&path, &status, "elastic-chat/status").await.expect("a status");
    let scale =
        rig.send(Method::GET, &format!("{}/scale", rig.cluster_path("chat")), None).await.expect("there").object;
    assert_eq!(scale["status"]["replicas"], 6);
    assert_eq!(scale["status"]["selector"], json!(selector(&cluster, Component::Gateway)));
    rig.end().await;
}

#[tokio::test]
async fn an_embedded_cluster_does_not_scale() {
    let rig = Rig::new("noscale").await;
    rig.create(&example("embedded"), false).await.expect("taken");
    rig.scale("demo", 5).await.expect_err("it is one node");
    let now = rig.send(Method::GET, &rig.cluster_path("demo"), None).await.expect("there").object;
    assert_eq!(now["spec"].get("gateways"), None);
    rig.end().await;
}
