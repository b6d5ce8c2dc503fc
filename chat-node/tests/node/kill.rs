//! kill -9 under load, again and again, with the history checker watching.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use elastic_chat_load::client::Http;
use elastic_chat_load::scenario::{Crowd, Plan, Target, open_loop};
use hyper::Method;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const KILLS: u32 = 50;

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

struct Server {
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn start(data: &Path, listen: SocketAddr, admin: SocketAddr) -> Server {
    let child = Command::new(env!("CARGO_BIN_EXE_chat-node"))
        .args(["serve", "--listen", &listen.to_string(), "--admin", &admin.to_string(), "--log", "error", "--data-dir"])
        .arg(data)
        .args(["--limit-sends-per-user=off", "--limit-auth-per-address=off", "--limit-handshakes=off"])
        .stdin(Stdio::null())
        .spawn()
        .expect("the node's binary");
    let mut server = Server { child };
    let ready = async {
        while Http::new(&admin.to_string()).call(Method::GET, "/readyz", None, None).await.is_err() {
            assert!(server.child.try_wait().expect("status").is_none(), "the node ended by itself");
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ready).await.expect("the node is ready");
    server
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_doubled_or_disordered_by_kill_9() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = TempDir::new().expect("folder");
    let (listen, admin) = (free(), free());
    let mut server = start(folder.path(), listen, admin).await;
    let target = Target {
        url: format!("http://{listen}"),
        server_pid: None,
        json: None,
        prefix: "kill".into(),
        duration: 3_600.0,
        warmup: 0.0,
        seed,
        quiet: true,
    };
    let mut crowd = Crowd::gather(&target, 8).await.expect("people");
    crowd.room((0..4).collect(), false).await.expect("room");
    crowd.room((4..8).collect(), false).await.expect("room");
    crowd.connect(1, false).await.expect("connections");
    let plan = Plan { rate: 300.0, text: 40, owner_only: false, storm: None, stop: CancellationToken::default() };
    let stop = plan.stop.clone();
    let killing = async {
        for _ in 0..KILLS {
            // The random moment is the point: it falls on reads, appends, fsyncs and acks alike.
            tokio::time::sleep(Duration::from_millis(random.random_range(20..400))).await;
            server.child.kill().expect("kill");
            server.child.wait().expect("wait");
            server = start(folder.path(), listen, admin).await;
        }
        stop.cancel();
    };
    let (report, ()) = tokio::join!(open_loop("kill", &target, crowd, &plan), killing);
    let report = report.expect("report");
    println!("{}", report.history);
    assert!(report.history.sound(), "{}", report.history);
    assert!(report.history.acked > 500, "hardly anything was acknowledged: {}", report.history);
    assert!(report.reconnects >= u64::from(KILLS), "{} reconnects", report.reconnects);
}
