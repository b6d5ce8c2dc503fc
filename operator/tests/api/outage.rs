//! An API server of its own, that can be killed, and that does not know ChatCluster at first.

use std::time::{Duration, Instant};

use local_cluster::{Cluster, Mode};
use serde_json::json;
use tempfile::TempDir;

use crate::rig::{Rig, eventually};
use crate::world::{Operator, World, quick};

/// A control plane; it goes with this.
struct Plane {
    cluster: Cluster,
    _folder: TempDir,
}

impl Plane {
    async fn up() -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("plane");
        let cluster = blocking(move || {
            let cluster = Cluster::open(path)?;
            cluster.up(Mode::ControlPlane, None, &[])?;
            Ok(cluster)
        });
        Self { cluster: cluster.await, _folder: folder }
    }

    fn kubeconfig(&self) -> String {
        self.cluster.kubeconfig().display().to_string()
    }

    fn kill(&self) {
        self.cluster.kill("kube-apiserver").expect("it is killed");
    }

    fn start(&self) {
        tokio::task::block_in_place(|| self.cluster.start("kube-apiserver").expect("it starts"));
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        if let Err(error) = self.cluster.down() {
            println!("the control plane stays: {error:#}");
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> anyhow::Result<T> + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it ends").expect("it works")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_comes_late_and_an_api_server_that_is_killed() {
    let plane = Plane::up().await;
    let world = World::of(Rig::at(&plane.kubeconfig(), "late").await);
    let operator = Operator::start(&world.rig, &plane.kubeconfig()).await;
    eventually("it leads", async || operator.leads().await.then_some(())).await;
    // As long as its watch needs to wait as long as it ever does.
    tokio::time::sleep(Duration::from_secs(12)).await;
    world.rig.define().await;
    world.rig.create(&quick(json!({"min": 2, "max": 2})), false).await.expect("taken");
    let begin = Instant::now();
    eventually("its gateways are made", async || (world.replicas().await == 2).then_some(())).await;
    println!("gateways {:.1?} after a definition that was missing", begin.elapsed());
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());
    world.condition("chat", "Ready", "True").await;
    let before = world.kubelet.gateways().into_iter().map(|node| node.name).collect::<Vec<_>>();

    // kill -9, at once back, and again for longer than the operator's lease is renewed.
    for (wanted, seconds) in [(3, 0), (4, 5), (5, 10)] {
        plane.kill();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        if seconds > 8 {
            assert!(!operator.leads().await, "who can't renew may not act");
        }
        plane.start();
        let back = Instant::now();
        let patch = json!({"spec": {"gateways": {"min": wanted, "max": wanted}}});
        eventually("the API server takes it", async || world.rig.patch("chat", &patch).await.ok()).await;
        eventually("it goes on", async || (world.replicas().await == wanted).then_some(())).await;
        println!("acting {:.1?} after an outage of {seconds} s", back.elapsed());
        assert!(back.elapsed() < Duration::from_secs(15), "{:?}", back.elapsed());
        // Kubernetes' own controllers look again only after up to a minute.
        if seconds < 8 {
            world.condition("chat", "Ready", "True").await;
        }
    }
    let after = world.kubelet.gateways();
    assert!(before.iter().all(|name| after.iter().any(|node| node.name == *name)), "no gateway was replaced");
    assert!(after.iter().all(|node| node.asked.is_empty()), "nobody was drained: {after:#?}");
    assert!(world.kubelet.nodes.lock().cut.is_empty());
    world.kubelet.end().await;
}
