//! What Argo CD and Flux are given, against their definitions on a real API server: everything is taken as it is, and taking it a
//! second time changes nothing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use local_cluster::{Cluster, Mode};
use serde_json::Value;

use super::kubernetes::with_cluster;
use crate::definitions;
use crate::helm::{self, Chart, NAMESPACE};
use crate::process::{output, root};

const FOLDER: &str = "deploy/gitops";
const ENVIRONMENTS: [&str; 2] = ["dev", "prod"];

/// Every check.
///
/// # Errors
/// Of the first that fails.
pub fn gitops() -> anyhow::Result<String> {
    let definitions = definitions::folder()?;
    with_cluster(
        "gitops-test",
        Mode::ControlPlane,
        || Ok(()),
        |cluster| {
            let server = Server { cluster, folder: tempfile::tempdir()? };
            server.define(&definitions)?;
            let mut objects = 0;
            for environment in ENVIRONMENTS {
                // Each is a cluster of its own: none finds the other's ChatCluster.
                server.forget_the_chat()?;
                refers_to_what_is_there(&server, environment)?;
                // The charts as the environment's tool renders them, then what it applies itself.
                let values = |file: &str| format!("{FOLDER}/{file}");
                objects += server.twice(
                    &helm::template(Chart::Crds, &["--values", &values("definitions/values.yaml")])?,
                    "the definitions' chart",
                )?;
                let (own, image) = (
                    values(&format!("operator/{environment}/values.yaml")),
                    values(&format!("operator/{environment}/image.yaml")),
                );
                let rendered = helm::template(Chart::Operator, &["--values", &own, "--values", &image])?;
                objects +=
                    server.twice(&without_others(&rendered)?, &format!("the operator's chart for {environment}"))?;
                for folder in [
                    format!("chat/overlays/{environment}"),
                    "argocd/settings".to_owned(),
                    format!("argocd/overlays/{environment}"),
                    "flux/definitions".to_owned(),
                    format!("flux/operator/{environment}"),
                    format!("flux/{environment}"),
                ] {
                    objects += server.twice(&server.kustomize(&folder)?, &folder)?;
                }
                let root_application = root().join(FOLDER).join(format!("argocd/root-{environment}.yaml"));
                objects += server.twice(&std::fs::read_to_string(&root_application)?, "the root application")?;
            }
            for example in ["envoy-gateway.yaml", "linkerd.yaml", "istio.yaml"] {
                let path = root().join("docs/examples/networking").join(example);
                objects += server.twice(&std::fs::read_to_string(&path)?, example)?;
            }
            Ok(format!("{objects} objects taken twice"))
        },
    )
}

struct Server<'a> {
    cluster: &'a Cluster,
    folder: tempfile::TempDir,
}

impl Server<'_> {
    fn kubectl(&self, args: &[&str]) -> anyhow::Result<Command> {
        let mut kubectl = self.cluster.kubectl()?;
        kubectl.args(args).current_dir(root());
        Ok(kubectl)
    }

    /// The definitions of others, and the namespaces that their controllers would be in.
    fn define(&self, definitions: &Path) -> anyhow::Result<()> {
        let mut apply = self.kubectl(&["apply", "--server-side", "--filename"])?;
        output(apply.arg(definitions))?;
        let mut wait = self.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", "--filename"])?;
        output(wait.arg(definitions))?;
        for namespace in ["argocd", "flux-system", "envoy-gateway-system", NAMESPACE] {
            output(&mut self.kubectl(&["create", "namespace", namespace])?)?;
        }
        Ok(())
    }

    fn forget_the_chat(&self) -> anyhow::Result<()> {
        let mut known =
            self.kubectl(&["get", "customresourcedefinitions", "chatclusters.elastic-chat.io", "--output=name"])?;
        if output(known.arg("--ignore-not-found"))?.trim().is_empty() {
            return Ok(());
        }
        output(&mut self.kubectl(&["delete", "chatclusters", "--all", "--all-namespaces", "--timeout=30s"])?).map(drop)
    }

    fn kustomize(&self, folder: &str) -> anyhow::Result<String> {
        output(&mut self.kubectl(&["kustomize", &format!("{FOLDER}/{folder}")])?)
    }

    /// Applies as Argo CD and Flux do: server-side, and strict about fields. The second time no object may get another
    /// version. How many there are.
    fn twice(&self, manifests: &str, what: &str) -> anyhow::Result<usize> {
        let file = self.folder.path().join("manifests.yaml");
        std::fs::write(&file, manifests)?;
        let apply = || -> anyhow::Result<Vec<(String, String)>> {
            let mut apply = self.kubectl(&["apply", "--server-side", "--force-conflicts", "--field-manager=gitops"])?;
            apply.args(["--validate=strict", "--output=json", "--filename"]);
            versions(&output(apply.arg(&file))?)
        };
        let first = apply().with_context(|| what.to_owned())?;
        if helm::objects(manifests)?.iter().any(|object| object["kind"] == "CustomResourceDefinition") {
            // The server serves it a moment later, and writes on it that it does.
            let all = ["wait", "--for=condition=Established", "--timeout=30s", "customresourcedefinitions", "--all"];
            output(&mut self.kubectl(&all)?)?;
        }
        let settled = apply()?;
        let again = apply()?;
        ensure!(first.len() == again.len(), "{what}: {} objects, then {}", first.len(), again.len());
        for (before, after) in settled.iter().zip(&again) {
            ensure!(before == after, "{what}: {} changed when it was applied again", after.0);
        }
        Ok(again.len())
    }
}

/// `Kind namespace/name` and the version that the server keeps.
fn versions(applied: &str) -> anyhow::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for answer in serde_json::Deserializer::from_str(applied).into_iter::<Value>() {
        let answer = answer?;
        let items = answer["items"].as_array().cloned().unwrap_or_else(|| vec![answer]);
        for object in items {
            let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let name = format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
            found.push((name, text("/metadata/resourceVersion")));
        }
    }
    ensure!(!found.is_empty(), "nothing was applied");
    Ok(found)
}

/// Without what the Prometheus operator defines, which is not there.
fn without_others(rendered: &str) -> anyhow::Result<String> {
    let ours = helm::objects(rendered)?.into_iter().filter(|object| object["kind"] != "PodMonitor");
    Ok(ours.map(|object| object.to_string()).collect::<Vec<_>>().join("\n---\n"))
}

/// Each path that an Application, a Kustomization or a HelmRelease names is in the checkout, and the order is that of the
/// definitions, the operator, the chat.
fn refers_to_what_is_there(server: &Server<'_>, environment: &str) -> anyhow::Result<()> {
    let mut waves = Vec::new();
    for folder in [
        format!("argocd/overlays/{environment}"),
        format!("flux/{environment}"),
        format!("flux/operator/{environment}"),
        "flux/definitions".to_owned(),
    ] {
        for object in helm::objects(&server.kustomize(&folder)?)? {
            for pointer in ["/spec/source/path", "/spec/path", "/spec/chart/spec/chart"] {
                if let Some(path) = object.pointer(pointer).and_then(Value::as_str) {
                    ensure!(root().join(path).is_dir(), "{folder}: there is no {path}");
                }
            }
            for pointer in ["/spec/source/helm/valueFiles", "/spec/chart/spec/valuesFiles"] {
                for path in object.pointer(pointer).and_then(Value::as_array).into_iter().flatten() {
                    let path = path.as_str().context("a path is a text")?.trim_start_matches('/');
                    ensure!(root().join(path).is_file(), "{folder}: there is no {path}");
                }
            }
            if object["kind"] == "Application" {
                let wave = &object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"];
                let wave: i32 = wave.as_str().context("an Application without a wave")?.parse()?;
                waves.push((wave, object["metadata"]["name"].as_str().unwrap_or_default().to_owned()));
            }
        }
    }
    waves.sort();
    let order: Vec<&str> = waves.iter().map(|(_, name)| name.as_str()).collect();
    if order != ["elastic-chat-definitions", "elastic-chat-operator", "elastic-chat-chat"] {
        bail!("{environment}: the waves are in the order {order:?}");
    }
    Ok(())
}
