//! Runs an image by runc, as a kubelet under the restricted policy would: nobody's user, no capabilities, a root that can't
//! be written, and memory only where the Pod has an emptyDir.

mod container;

use std::path::Path;

use anyhow::{bail, ensure};

use super::Image;
use super::buildah::{buildah, exclusive};
use crate::files::read;
use crate::process::{output, root};
use container::Container;

/// Kubernetes refuses to run another one under `runAsNonRoot` without knowing a number.
const USER: &str = "65532:65532";
const SHELLS: [&str; 6] = ["bin/sh", "bin/bash", "bin/dash", "bin/busybox", "usr/bin/sh", "usr/bin/env"];
/// nginx wants to find all names at its start; of these there is none, and no node behind it.
const NODES: [&str; 3] = ["node-1:8080", "node-2:8080", "node-3:8080"];
const NOBODY: &str = "127.0.0.1:8081";

/// Whether the archive's image works, with what was looked at.
///
/// # Errors
/// It does not: says how.
pub fn check(image: Image) -> anyhow::Result<String> {
    let _store = exclusive()?;
    let outcome = works(image);
    // Reading the archive has named it.
    let _ = output(buildah("rmi").args(["--force", &image.reference()]));
    outcome
}

fn works(image: Image) -> anyhow::Result<String> {
    let mut container = Container::of(&image.archive())?;
    ensure!(container.user() == USER, "{} runs as {:?}, not as {USER}", image.name(), container.user());
    let shells: Vec<&&str> = SHELLS.iter().filter(|shell| container.root().join(shell).exists()).collect();
    ensure!(shells.is_empty(), "{} has a shell: {shells:?}", image.name());
    match image {
        Image::ChatNode => gateway(&mut container),
        Image::Writer => writer(&mut container),
        Image::Operator => operator(&mut container),
        Image::Web => web(&mut container),
    }
}

/// Alone, with its data in memory.
fn gateway(container: &mut Container) -> anyhow::Result<String> {
    container.memory("/data").memory("/tmp");
    let mut running = container.start(&[])?;
    running.answers("http://127.0.0.1:9090/readyz", 200, "")?;
    running.answers("http://127.0.0.1:8080/", 200, "<html")?;
    running.answers("http://127.0.0.1:8080/v1/openapi.json", 200, "openapi")?;
    running.stop()?;
    Ok("chat-node serves, ready, and ends cleanly".to_owned())
}

/// Without servers: it lives, and says that it is not ready.
fn writer(container: &mut Container) -> anyhow::Result<String> {
    let nowhere = ["run", "--kafka=127.0.0.1:9092", "--cassandra=127.0.0.1:9042", "--redis=redis://127.0.0.1:6379"];
    let mut running = container.memory("/tmp").start(&nowhere)?;
    running.answers("http://127.0.0.1:9090/livez", 200, "")?;
    running.answers("http://127.0.0.1:9090/readyz", 503, "")?;
    running.stop()?;
    Ok("writer lives, waits for its servers, and ends cleanly".to_owned())
}

/// What works without an API server.
fn operator(container: &mut Container) -> anyhow::Result<String> {
    let said = container.start(&["crd"])?.finish()?;
    if !said.contains("kind: CustomResourceDefinition") {
        bail!("`operator crd` printed no definition: {said}");
    }
    Ok("operator prints its definitions".to_owned())
}

fn web(container: &mut Container) -> anyhow::Result<String> {
    // As in Kubernetes, where a ConfigMap with the operator's configuration lies there.
    let mounted = tempfile::tempdir()?;
    std::fs::copy(root().join("deploy/nginx/chat.conf"), mounted.path().join("chat.conf"))?;
    let server = NODES.iter().fold(read("deploy/nginx/web.conf")?, |text, node| text.replace(node, NOBODY));
    std::fs::write(mounted.path().join("default.conf"), server)?;
    readable(mounted.path())?;
    let mut running = container.memory("/tmp").bind(mounted.path(), "/etc/nginx/conf.d").start(&[])?;
    running.answers("http://127.0.0.1:8080/healthz", 200, "ok")?;
    running.answers("http://127.0.0.1:8080/", 200, "<html")?;
    running.answers("http://127.0.0.1:8080/chats/any", 200, "<html")?;
    running.answers("http://127.0.0.1:8080/none.js", 404, "")?;
    running.answers("http://127.0.0.1:8080/v1/openapi.json", 502, "")?;
    running.stop()?;
    Ok("nginx serves the client, passes /v1, and ends cleanly".to_owned())
}

/// By the container's user.
fn readable(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?)
}
