//! How pods are found and reached: headless Services, a route of the Gateway API, and what service meshes read on pods.

use serde_json::{Value, json};

use crate::rig::{eventually, example};
use crate::world::{World, merge, quick};

const PARTS: [&str; 3] = ["gateway", "writer", "web"];

/// A cluster that scales within seconds, with the pods of an example.
fn meshed(name: &str) -> Value {
    let spec = example(&format!("networking/{name}"))["spec"].clone();
    let mut cluster = quick(json!({"min": 2, "max": 8}));
    cluster["spec"]["web"] = json!({"enabled": true});
    for part in ["gateways", "writers", "web"] {
        merge(&mut cluster["spec"][part], json!({"pod": spec[part]["pod"]}));
    }
    cluster
}

impl World {
    /// The pods of a component that are not on their way out.
    async fn pods(&self, component: &str) -> Vec<Value> {
        let selector = format!("labelSelector=app.kubernetes.io/component%3D{component}");
        let list = self.object(&format!("/api/v1/namespaces/{{ns}}/pods?{selector}")).await.unwrap_or_default();
        let mut items = list["items"].as_array().cloned().unwrap_or_default();
        items.retain(|pod| pod["metadata"].get("deletionTimestamp").is_none());
        items
    }

    /// Every pod of every part carries what the spec says of it.
    async fn carried(&self, cluster: &Value) -> bool {
        for component in PARTS {
            let part = if component == "web" { component.to_owned() } else { format!("{component}s") };
            let pods = self.pods(component).await;
            let wanted = &cluster["spec"][part]["pod"];
            let has = |pod: &Value, what: &str| {
                let wanted = wanted[what].as_object().into_iter().flatten();
                wanted.into_iter().all(|(name, value)| pod["metadata"][what].get(name) == Some(value))
            };
            if pods.is_empty() || !pods.iter().all(|pod| has(pod, "annotations") && has(pod, "labels")) {
                return false;
            }
        }
        true
    }

    async fn gateways_are(&self, count: u64) {
        let settled = async || {
            let all = self.pods("gateway").await.len() as u64;
            let calm = self.kubelet.gateways().iter().all(|node| !node.draining);
            (self.replicas().await == count && all == count && calm).then_some(())
        };
        eventually(&format!("{count} gateways"), settled).await;
    }
}

#[tokio::test]
async fn what_meshes_read_reaches_every_pod_and_survives() {
    for mesh in ["linkerd", "istio"] {
        let world = World::new(mesh).await;
        let mut cluster = meshed(mesh);
        world.rig.create(&cluster, false).await.expect("taken");
        let _operator = world.operator().await;
        world.condition("chat", "Ready", "True").await;
        assert!(world.carried(&cluster).await, "{mesh}: after the start");
        // New pods, and those that stay while others are drained: a mark of the operator's takes nothing away.
        world.rig.patch("chat", &json!({"spec": {"gateways": {"min": 4}}})).await.expect("taken");
        world.gateways_are(4).await;
        assert!(world.carried(&cluster).await, "{mesh}: after growing");
        world.rig.patch("chat", &json!({"spec": {"gateways": {"min": 2}}})).await.expect("taken");
        world.gateways_are(2).await;
        assert!(world.carried(&cluster).await, "{mesh}: after shrinking");
        // A rollout, by what a person changes later; what is no longer wanted goes.
        let removed = cluster["spec"]["gateways"]["pod"]["annotations"].as_object().expect("annotations").clone();
        let (gone, _) = removed.iter().next().expect("one");
        cluster["spec"]["gateways"]["pod"]["annotations"].as_object_mut().expect("annotations").remove(gone);
        cluster["spec"]["gateways"]["pod"]["annotations"]["example.com/round"] = json!("2");
        let patch = json!({"spec": {"gateways": {"pod": {"annotations": {gone: null, "example.com/round": "2"}}}}});
        world.rig.patch("chat", &patch).await.expect("taken");
        eventually("the rollout", async || {
            let pods = world.pods("gateway").await;
            let lost = pods.iter().all(|pod| pod["metadata"]["annotations"].get(gone).is_none());
            (lost && world.carried(&cluster).await).then_some(())
        })
        .await;
        world.end().await;
    }
}

#[tokio::test]
async fn every_stateful_set_has_its_headless_service() {
    let world = World::new("headless").await;
    world.rig.create(&quick(json!({"min": 1, "max": 1})), false).await.expect("taken");
    world.rig.create(&example("embedded"), false).await.expect("taken");
    let _operator = world.operator().await;
    world.condition("chat", "Ready", "True").await;
    world.condition("demo", "Ready", "True").await;
    let sets = world.object("/apis/apps/v1/namespaces/{ns}/statefulsets").await.expect("there");
    let sets = sets["items"].as_array().expect("a list").clone();
    assert_eq!(sets.len(), 2, "the writers of one, the node of the other");
    for set in sets {
        let name = set["spec"]["serviceName"].as_str().expect("a name");
        let path = format!("/api/v1/namespaces/{{ns}}/services/{name}");
        let service = world.object(&path).await.unwrap_or_else(|| panic!("there is no Service {name}"));
        assert_eq!(service["spec"]["clusterIP"], "None", "{name}");
        let selected = service["spec"]["selector"].as_object().expect("a selector");
        let template = &set["spec"]["template"];
        for (label, value) in selected {
            assert_eq!(template["metadata"]["labels"].get(label), Some(value), "{name} selects other pods");
        }
        let ports = template["spec"]["containers"][0]["ports"].as_array().expect("ports").clone();
        for port in service["spec"]["ports"].as_array().expect("ports") {
            let known = ports.iter().any(|own| own["name"] == port["targetPort"]);
            assert!(known, "{name} leads to {}, pods have {ports:?}", port["targetPort"]);
        }
    }
    world.end().await;
}

#[tokio::test]
async fn a_route_is_what_the_gateway_api_takes() {
    let world = World::new("route").await;
    let mut cluster = quick(json!({"min": 1, "max": 1}));
    cluster["spec"]["exposure"] = json!({
        "host": "chat.example.com", "tls": {},
        "gateway": {"parentRefs": [{"name": "public", "namespace": "envoy-gateway-system", "sectionName": "https"}]},
    });
    world.rig.create(&cluster, false).await.expect("taken");
    let _operator = world.operator().await;
    // "InvalidSpec" would mean that the Gateway API's definitions are missing: ./dev test brings them.
    world.condition("chat", "Ready", "True").await;
    let path = "/apis/gateway.networking.k8s.io/v1/namespaces/{ns}/httproutes/chat";
    let route = world.object(path).await.expect("a route");
    let spec = &route["spec"];
    assert_eq!(spec["hostnames"], json!(["chat.example.com"]));
    assert_eq!(spec["parentRefs"][0]["sectionName"], "https");
    let rules = spec["rules"].as_array().expect("rules");
    assert!(rules.iter().all(|rule| rule["timeouts"]["request"] == "0s"), "a socket would be cut: {rules:?}");
    let backend = &rules[0]["backendRefs"][0];
    let path = format!("/api/v1/namespaces/{{ns}}/services/{}", backend["name"].as_str().expect("a name"));
    let service = world.object(&path).await.expect("the Service that it leads to");
    assert_eq!(service["spec"]["ports"][0]["port"], backend["port"]);
    world.end().await;
}
