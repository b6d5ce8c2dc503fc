//! Two operators, one lease; and an API server that goes away.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::rig::eventually;
use crate::world::{Operator, World, quick};

async fn holder(world: &World) -> Option<String> {
    let path = "/apis/coordination.k8s.io/v1/namespaces/{ns}/leases/elastic-chat-operator";
    world.object(path).await?["spec"]["holderIdentity"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[tokio::test]
async fn two_never_lead_at_once_and_the_second_follows_in_time() {
    let world = World::new("lease").await;
    let first = world.operator().await;
    eventually("the first leads", async || first.leads().await.then_some(())).await;
    let before = holder(&world).await.expect("a holder");
    let second = world.operator().await;
    for _ in 0..30 {
        assert!(!(first.leads().await && second.leads().await));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!second.leads().await);
    // kill -9: nobody says goodbye.
    let killed = Instant::now();
    first.kill().await;
    eventually("the second leads", async || second.leads().await.then_some(())).await;
    let took = killed.elapsed();
    println!("failover after kill -9: {took:.1?}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_ne!(holder(&world).await, Some(before));
    // SIGTERM: the lease is given back, so the next need not wait.
    let third = world.operator().await;
    eventually("the third stands by", async || {
        (third.metric("elastic_chat_operator_leader ").await == 0.0).then_some(())
    })
    .await;
    let ended = Instant::now();
    assert_eq!(second.terminate().await, Some(0));
    eventually("the third leads", async || third.leads().await.then_some(())).await;
    println!("failover after SIGTERM: {:.1?}", ended.elapsed());
    assert!(ended.elapsed() < Duration::from_secs(8), "{:?}", ended.elapsed());
    world.end().await;
}

/// Between an operator and the API server; can be cut.
struct Road {
    cut: Arc<AtomicBool>,
    /// Connections that are being carried hold it.
    open: Arc<()>,
    _tasks: JoinSet<()>,
    kubeconfig: tempfile::NamedTempFile,
}

impl Road {
    async fn to_the_server() -> Self {
        let path = std::env::var("ELASTIC_CHAT_TEST_KUBECONFIG").expect("a kubeconfig");
        let text = std::fs::read_to_string(path).expect("a kubeconfig");
        let mut config: Value = serde_yaml_ng::from_str(&text).expect("YAML");
        let server = config["clusters"][0]["cluster"]["server"].as_str().expect("a server").to_owned();
        let target: SocketAddr = server.trim_start_matches("https://").parse().expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let here = listener.local_addr().expect("an address");
        config["clusters"][0]["cluster"]["server"] = json!(format!("https://{here}"));
        let kubeconfig = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(kubeconfig.path(), serde_yaml_ng::to_string(&config).expect("YAML")).expect("written");
        let cut = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        let open = Arc::new(());
        tasks.spawn(carry(listener, target, Arc::clone(&cut), Arc::clone(&open)));
        Self { cut, open, _tasks: tasks, kubeconfig }
    }

    /// Until nothing gets through any more.
    async fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        // This one's and the listener's.
        eventually("all connections end", async || (Arc::strong_count(&self.open) == 2).then_some(())).await;
    }
}

async fn carry(listener: TcpListener, target: SocketAddr, cut: Arc<AtomicBool>, open: Arc<()>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((mut near, _)) = listener.accept().await else { return };
        let (cut, open) = (Arc::clone(&cut), Arc::clone(&open));
        connections.spawn(async move {
            if cut.load(Ordering::SeqCst) {
                return;
            }
            let Ok(mut far) = TcpStream::connect(target).await else { return };
            let until_cut = async {
                while !cut.load(Ordering::Relaxed) {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            };
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                () = until_cut => {}
            }
            drop(open);
        });
    }
}

#[tokio::test]
async fn an_outage_of_five_seconds_is_survived() {
    let world = World::new("outage").await;
    let road = Road::to_the_server().await;
    world.rig.create(&quick(json!({"min": 2, "max": 2})), false).await.expect("taken");
    let operator = Operator::start(&world.rig, road.kubeconfig.path().to_str().expect("a path")).await;
    world.condition("chat", "Ready", "True").await;
    road.cut().await;
    let begin = Instant::now();
    world.rig.patch("chat", &json!({"spec": {"gateways": {"min": 4, "max": 4}}})).await.expect("taken");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(world.replicas().await, 2);
    road.cut.store(false, Ordering::Relaxed);
    eventually("it goes on", async || (world.replicas().await == 4).then_some(())).await;
    println!("acting again {:.1?} after an outage of 5 s", begin.elapsed().saturating_sub(Duration::from_secs(5)));
    world.condition("chat", "Ready", "True").await;
    // Longer than the lease: it stops by itself, and comes back.
    road.cut().await;
    eventually("it stops leading", async || (!operator.leads().await).then_some(())).await;
    road.cut.store(false, Ordering::Relaxed);
    eventually("it leads again", async || operator.leads().await.then_some(())).await;
    world.end().await;
}
