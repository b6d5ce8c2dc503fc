//! What must hold for every object of every sample cluster.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

const SAMPLES: [(&str, &str); 5] = [
    ("embedded", include_str!("../../../docs/examples/embedded.yaml")),
    ("embedded-full", include_str!("../../../docs/examples/embedded-full.yaml")),
    ("distributed", include_str!("../../../docs/examples/distributed.yaml")),
    ("distributed-full", include_str!("../../../docs/examples/distributed-full.yaml")),
    ("distributed-shared-volume", include_str!("../../../docs/examples/distributed-shared-volume.yaml")),
];

fn sample(name: &str) -> ChatCluster {
    let (_, text) = SAMPLES.iter().find(|(sample, _)| *sample == name).expect("a sample");
    let mut cluster: ChatCluster = serde_yaml_ng::from_str(text).expect(name);
    cluster.metadata.namespace = Some("here".to_owned());
    cluster.metadata.uid = Some("11111111-2222-3333-4444-555555555555".to_owned());
    cluster
}

fn context() -> Context {
    Context {
        version: "1.2.3".to_owned(),
        operator_namespace: "elastic-chat-system".to_owned(),
        http_routes: true,
        pod_monitors: true,
        secrets: BTreeMap::new(),
    }
}

fn everything() -> Vec<(String, Child)> {
    let of = |name: &str| {
        all(&sample(name), &context()).into_iter().map(|child| (name.to_owned(), child)).collect::<Vec<_>>()
    };
    SAMPLES.iter().flat_map(|(name, _)| of(name)).collect()
}

fn find(children: &[Child], kind: &str, name: &str) -> Value {
    let found = children.iter().find(|child| child.kind() == kind && child.name() == name);
    found.unwrap_or_else(|| panic!("no {kind} {name}")).object.clone()
}

fn args(workload: &Value) -> Vec<String> {
    serde_json::from_value(workload["spec"]["template"]["spec"]["containers"][0]["args"].clone()).unwrap_or_default()
}

fn has(args: &[String], arg: &str) -> bool {
    args.iter().any(|given| given == arg)
}

/// Nothing is lost in Kubernetes' own types: a misspelt field would be.
fn same_as<T: DeserializeOwned + Serialize>(object: &Value) -> Result<(), String> {
    let typed: T = serde_json::from_value(object.clone()).map_err(|error| error.to_string())?;
    let again = serde_json::to_value(&typed).map_err(|error| error.to_string())?;
    if again == *object {
        Ok(())
    } else {
        Err(format!("as Kubernetes knows it:\n{again:#}\nas it was made:\n{object:#}"))
    }
}

#[test]
fn every_field_is_one_that_kubernetes_knows() {
    for (sample, child) in everything() {
        let object = &child.object;
        let checked = match child.kind() {
            "Deployment" => same_as::<Deployment>(object),
            "StatefulSet" => same_as::<StatefulSet>(object),
            "Job" => same_as::<Job>(object),
            "Service" => same_as::<Service>(object),
            "ServiceAccount" => same_as::<ServiceAccount>(object),
            "ConfigMap" => same_as::<ConfigMap>(object),
            "PodDisruptionBudget" => same_as::<PodDisruptionBudget>(object),
            "NetworkPolicy" => same_as::<NetworkPolicy>(object),
            "Ingress" => same_as::<Ingress>(object),
            "HTTPRoute" | "PodMonitor" => Ok(()),
            other => Err(format!("{other} is no kind that is expected")),
        };
        checked.unwrap_or_else(|error| panic!("{sample}: {} {}: {error}", child.kind(), child.name()));
    }
}

#[test]
fn each_has_its_owner_its_labels_and_a_name_of_its_own() {
    for (name, _) in SAMPLES {
        let (cluster, mut seen) = (sample(name), BTreeSet::new());
        for child in all(&cluster, &context()) {
            let metadata = &child.object["metadata"];
            assert_eq!(metadata["ownerReferences"][0]["uid"], json!(cluster.metadata.uid), "{name}: {}", child.name());
            assert_eq!(metadata["ownerReferences"][0]["controller"], true);
            assert_eq!(metadata["namespace"], "here");
            assert_eq!(metadata["labels"]["app.kubernetes.io/instance"], json!(cluster.metadata.name));
            assert_eq!(metadata["labels"]["app.kubernetes.io/managed-by"], "elastic-chat-operator");
            assert!(seen.insert((child.kind().to_owned(), child.name().to_owned())), "{name}: twice {}", child.name());
        }
    }
}

fn workloads() -> Vec<(String, Value)> {
    let kinds = ["Deployment", "StatefulSet", "Job"];
    everything()
        .into_iter()
        .filter(|(_, child)| kinds.contains(&child.kind()))
        .map(|(sample, child)| (format!("{sample}: {}", child.name()), child.object))
        .collect()
}

#[test]
fn pods_are_as_the_restricted_standard_wants_them() {
    for (name, workload) in workloads() {
        let pod = &workload["spec"]["template"]["spec"];
        assert_eq!(pod["automountServiceAccountToken"], false, "{name}");
        let context = &pod["securityContext"];
        assert_eq!(context["runAsNonRoot"], true, "{name}");
        assert_eq!(context["runAsUser"], 65_532, "{name}");
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        for container in pod["containers"].as_array().expect("containers") {
            let context = &container["securityContext"];
            assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
            assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
            assert_eq!(context["capabilities"], json!({"drop": ["ALL"]}), "{name}");
            assert!(container["resources"]["limits"]["memory"].is_string(), "{name}");
            assert!(container["resources"]["requests"].is_object() || container["resources"]["limits"].is_object());
        }
    }
}

#[test]
fn selectors_choose_their_own_pods() {
    for (name, workload) in workloads() {
        let labels = &workload["spec"]["template"]["metadata"]["labels"];
        if workload["kind"] == "Job" {
            continue;
        }
        for (key, value) in workload["spec"]["selector"]["matchLabels"].as_object().expect("a selector") {
            assert_eq!(&labels[key], value, "{name}");
        }
    }
    let cluster = sample("distributed-full");
    let deployment = find(&all(&cluster, &context()), "Deployment", "company-gateway");
    assert_eq!(deployment["spec"]["template"]["metadata"]["labels"]["team"], "chat");
    for part in selector(&cluster, Component::Gateway).split(',') {
        let (key, value) = part.split_once('=').expect("key=value");
        assert_eq!(deployment["spec"]["selector"]["matchLabels"][key], value);
    }
}

#[test]
fn probes_and_services_meet_ports_that_exist() {
    for (name, workload) in workloads() {
        let container = &workload["spec"]["template"]["spec"]["containers"][0];
        let ports: Vec<&Value> =
            container["ports"].as_array().into_iter().flatten().map(|port| &port["name"]).collect();
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            if let Some(get) = container.get(probe).map(|probe| &probe["httpGet"]) {
                assert!(ports.contains(&&get["port"]), "{name}: {probe}");
            }
        }
    }
    for (name, _) in SAMPLES {
        let children = all(&sample(name), &context());
        for service in children.iter().filter(|child| child.kind() == "Service") {
            let selector = service.object["spec"]["selector"].as_object().expect("a selector");
            let chosen: Vec<&Child> = children
                .iter()
                .filter(|child| matches!(child.kind(), "Deployment" | "StatefulSet"))
                .filter(|child| {
                    let labels = &child.object["spec"]["template"]["metadata"]["labels"];
                    selector.iter().all(|(key, value)| &labels[key] == value)
                })
                .collect();
            assert_eq!(chosen.len(), 1, "{name}: {}", service.name());
            let ports =
                chosen[0].object["spec"]["template"]["spec"]["containers"][0]["ports"].as_array().expect("ports");
            let target = &service.object["spec"]["ports"][0]["targetPort"];
            assert!(ports.iter().any(|port| &port["name"] == target), "{name}: {}", service.name());
        }
    }
}

#[test]
fn the_number_of_gateways_and_writers_is_left_to_the_scaling() {
    let children = all(&sample("distributed"), &context());
    for (kind, name) in [("Deployment", "chat-gateway"), ("StatefulSet", "chat-writer")] {
        assert_eq!(find(&children, kind, name)["spec"].get("replicas"), None, "{name}");
    }
    let embedded = find(&all(&sample("embedded"), &context()), "StatefulSet", "demo-gateway");
    assert_eq!(embedded["spec"]["replicas"], 1);
}

#[test]
fn a_pod_outlives_its_drain() {
    let cluster = sample("distributed-full");
    let deployment = find(&all(&cluster, &context()), "Deployment", "company-gateway");
    let pod = &deployment["spec"]["template"]["spec"];
    assert!(has(&args(&deployment), "--drain-seconds=300"));
    assert!(pod["terminationGracePeriodSeconds"].as_i64().expect("a number") >= 300 + PRE_STOP_SECONDS + 15);
    assert_eq!(pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"], PRE_STOP_SECONDS);
}

#[test]
fn the_spec_becomes_flags() {
    let cluster = sample("distributed-full");
    let children = all(&cluster, &context());
    let gateway = args(&find(&children, "Deployment", "company-gateway"));
    for flag in [
        "--redis=rediss+sentinel://sentinel-0.data.svc:26379,sentinel-1.data.svc:26379,sentinel-2.data.svc:26379/main",
        "--redis-password-file=/etc/elastic-chat/secrets/redis/password",
        "--redis-ca-file=/etc/elastic-chat/secrets/redis/ca.crt",
        "--kafka=kafka-0.data.svc:9093,kafka-1.data.svc:9093,kafka-2.data.svc:9093",
        "--kafka-tls=true",
        "--kafka-password-file=/etc/elastic-chat/secrets/kafka/password",
        "--cassandra-datacenter=dc1",
        "--keyspace=company_chat",
        "--s3=aws",
        "--s3-region=eu-central-1",
        "--secure-cookies=true",
        "--trust-forwarded-for=true",
        "--limit-sends-per-user=30/10s",
        "--limit-file-bytes=104857600",
        "--admin-token-file=/etc/elastic-chat/secrets/admin/token",
        "--signing-key-file=/etc/elastic-chat/secrets/auth/signing.key",
        "--node-id=$(POD_NAME)",
    ] {
        assert!(has(&gateway, flag), "{flag} is not among {gateway:#?}");
    }
    let writer = args(&find(&children, "StatefulSet", "company-writer"));
    for flag in ["--instance-id=$(POD_NAME)", "--concurrency=32", "--memory-mib=128", "--classic-protocol=true"] {
        assert!(has(&writer, flag), "{flag} is not among {writer:#?}");
    }
    let job = children.iter().find(|child| child.kind() == "Job").expect("a job");
    let migrate = args(&job.object);
    assert!(has(&migrate, "--replication=3") && has(&migrate, "--partitions=64"), "{migrate:#?}");
    assert!(!migrate.iter().any(|arg| arg.starts_with("--redis")), "{migrate:#?}");
}

/// What processes take, as their sources say it: a flag that does not exist would keep every pod from starting.
#[test]
fn every_flag_exists() {
    let cluster = include_str!("../../../crates/chat-cluster/src/lib.rs");
    let node = [include_str!("../../../chat-node/src/config.rs"), cluster].concat();
    let migrate = [include_str!("../../../chat-node/src/cli/migrate.rs"), cluster].concat();
    let writer = [include_str!("../../../writer/src/config.rs"), cluster].concat();
    for (name, workload) in workloads() {
        let args = args(&workload);
        let source = match args.first().map(String::as_str) {
            Some("serve") => &node,
            Some("migrate") => &migrate,
            Some("run") => &writer,
            None => continue,
            Some(other) => panic!("{name}: {other} is no command"),
        };
        for arg in &args[1..] {
            let (flag, _) = arg.strip_prefix("--").and_then(|arg| arg.split_once('=')).expect("--flag=value");
            let field = format!("{}:", flag.replace('-', "_"));
            let known = source.contains(&field) || source.contains(&format!("long = \"{flag}\""));
            assert!(known, "{name}: no process has --{flag}");
        }
    }
}

#[test]
fn a_shared_volume_a_redis_cluster_and_no_web_client() {
    let children = all(&sample("distributed-shared-volume"), &context());
    let gateway = find(&children, "Deployment", "shared-gateway");
    let flags = args(&gateway);
    assert!(
        has(&flags, "--data-dir=/data")
            && has(&flags, "--redis=redis+cluster://redis-0.data.svc:7000,redis-1.data.svc:7000")
    );
    assert!(has(&flags, "--trust-forwarded-for=false"), "nothing of ours stands in front");
    assert!(!children.iter().any(|child| matches!(child.kind(), "Job" | "ConfigMap" | "Ingress")));
    let people = find(&children, "Service", "shared");
    assert_eq!(people["spec"]["selector"]["app.kubernetes.io/component"], "gateway");
    assert_eq!(people["spec"]["type"], "LoadBalancer");
}

#[test]
fn what_is_read_once_rolls_the_pods_and_what_is_read_again_does_not() {
    let cluster = sample("distributed-full");
    let hash = |context: &Context| {
        let deployment = find(&all(&cluster, context), "Deployment", "company-gateway");
        deployment["spec"]["template"]["metadata"]["annotations"][CONFIG_HASH].as_str().expect("a hash").to_owned()
    };
    let with = |name: &str| Context { secrets: BTreeMap::from([(name.to_owned(), "other".to_owned())]), ..context() };
    assert_eq!(hash(&context()), hash(&context()));
    assert_ne!(hash(&context()), hash(&with("chat-signing/key")));
    assert_ne!(hash(&context()), hash(&with("backends-ca/ca.crt")));
    assert_eq!(hash(&context()), hash(&with("redis-login/password")));
    assert_eq!(hash(&context()), hash(&with("company-admin/token")));
}

#[test]
fn no_secret_is_mounted_that_is_not_named() {
    for (name, workload) in workloads() {
        for volume in workload["spec"]["template"]["spec"]["volumes"].as_array().into_iter().flatten() {
            assert!(volume.get("secret").is_none(), "{name}: {volume}");
        }
    }
    let uses = secret_uses(&sample("distributed-full"), Component::Web);
    assert_eq!(uses, Vec::new());
    let fields: BTreeSet<&str> =
        secret_uses(&sample("distributed-full"), Component::Writer).iter().map(|used| used.field).collect();
    assert!(fields.contains("spec.redis.credentials") && !fields.contains("spec.auth.signingKeySecret"), "{fields:?}");
}

#[test]
fn a_migration_is_due_once_for_an_image_and_its_settings() {
    let mut cluster = sample("distributed");
    assert!(migration_needed(&cluster, &context()));
    let status = crate::api::ChatClusterStatus {
        migrated: Some(migration_hash(&cluster, &context())),
        ..crate::api::ChatClusterStatus::default()
    };
    cluster.status = Some(status);
    assert!(!migration_needed(&cluster, &context()));
    assert!(migration_needed(&cluster, &Context { version: "1.2.4".to_owned(), ..context() }));
    assert!(!migration_needed(&sample("embedded"), &context()));
}

#[test]
fn what_is_not_installed_is_told_and_not_made() {
    let (cluster, bare) =
        (sample("distributed-full"), Context { http_routes: false, pod_monitors: false, ..context() });
    let children = all(&cluster, &bare);
    assert!(!children.iter().any(|child| matches!(child.kind(), "HTTPRoute" | "PodMonitor")));
    assert_eq!(missing_kinds(&cluster, &bare).len(), 1);
    assert_eq!(missing_kinds(&cluster, &context()), Vec::<String>::new());
    assert_eq!(url(&cluster), "https://chat.example.com");
    assert_eq!(url(&sample("embedded")), "http://demo.here.svc");
}

#[test]
fn the_longest_name_still_fits() {
    let mut cluster = sample("distributed");
    cluster.metadata.name = Some("a".repeat(40));
    for child in all(&cluster, &context()) {
        // A Job's name is a label of its pods; a StatefulSet's one has `-` and a hash of ten characters behind it.
        let most = if child.kind() == "StatefulSet" { 52 } else { 63 };
        assert!(child.name().len() <= most, "{} {}", child.kind(), child.name());
    }
}
