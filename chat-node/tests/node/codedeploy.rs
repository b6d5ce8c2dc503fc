//! The hooks of `deploy/codedeploy`, as CodeDeploy runs them, against the real node. In the place of `docker compose` a script
//! starts and ends the node's process, and notes what it was asked.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use elastic_chat_load::client::{Account, Http};
use hyper::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::harness::{PASSWORD, Socket};

/// No hook of these tests takes longer.
const PATIENCE: Duration = Duration::from_mins(1);

/// An instance: a folder, two addresses, and what takes Compose's place.
struct Instance {
    folder: TempDir,
    clients: SocketAddr,
    admin: SocketAddr,
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

impl Instance {
    fn new() -> Self {
        let made = Self { folder: TempDir::new().expect("a folder"), clients: free(), admin: free() };
        let compose = format!(
            r#"#!/bin/sh
cd "{folder}" && echo "$1" >>asked
case "$1" in
up)
  "{node}" serve --listen {clients} --admin {admin} --data-dir data --log error --drain-seconds 2 >/dev/null 2>log </dev/null &
  echo $! >pid ;;
stop)
  kill -TERM "$(cat pid)"
  while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.05; done ;;
esac
"#,
            folder = made.folder.path().display(),
            node = env!("CARGO_BIN_EXE_chat-node"),
            clients = made.clients,
            admin = made.admin,
        );
        let path = made.path("compose");
        std::fs::write(&path, compose).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("executable");
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a hook with these settings over the usual ones.
    async fn hook(&self, name: &str, settings: &[(&str, &str)]) -> Output {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/codedeploy/scripts");
        let mut hook = Command::new(scripts.join(name));
        hook.env("ELASTIC_CHAT_DEPLOY_ENV", self.path("no-such-file"))
            .env("ELASTIC_CHAT_COMPOSE", self.path("compose"))
            .env("ELASTIC_CHAT_REVISION", self.folder.path())
            .env("ELASTIC_CHAT_ADMIN", self.admin.to_string())
            .env("ELASTIC_CHAT_CLIENTS", self.clients.to_string())
            .env("ELASTIC_CHAT_READY_SECONDS", "30")
            .env("ELASTIC_CHAT_DRAIN_SECONDS", "4");
        for (name, value) in settings {
            hook.env(name, value);
        }
        // Not inherited: a node that the hook starts would hold our end of a pipe open.
        hook.stdin(Stdio::null()).kill_on_drop(true);
        let ended = tokio::time::timeout(PATIENCE, hook.output()).await;
        ended.unwrap_or_else(|_| panic!("{name} hangs")).expect("it runs")
    }

    async fn passes(&self, name: &str, settings: &[(&str, &str)]) -> String {
        let done = self.hook(name, settings).await;
        let said = String::from_utf8_lossy(&done.stdout).into_owned();
        assert!(done.status.success(), "{name}: {said}{}", String::from_utf8_lossy(&done.stderr));
        said
    }

    async fn fails(&self, name: &str, settings: &[(&str, &str)]) -> String {
        let done = self.hook(name, settings).await;
        assert!(!done.status.success(), "{name} passed: {}", String::from_utf8_lossy(&done.stdout));
        String::from_utf8_lossy(&done.stderr).into_owned()
    }

    async fn started(&self) {
        self.passes("start.sh", &[]).await;
        self.passes("validate.sh", &[]).await;
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.path("asked")).unwrap_or_default()
    }

    async fn socket(&self, account: &Account, device: &str) -> Socket {
        let tcp = tokio::net::TcpStream::connect(self.clients).await.expect("connect");
        let mut request = format!("ws://{}/v1/ws", self.clients).into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "elastic-chat.v1.json".parse().expect("a header"));
        let (ws, _) = client_async(request, tcp).await.expect("handshake");
        let mut socket = Socket { ws };
        socket.say(&json!({"type": "hello", "token": account.token, "device_id": device})).await;
        socket.expect("welcome").await;
        socket
    }

    async fn account(&self) -> Account {
        Account::sign_in(&mut Http::new(&self.clients.to_string()), "ada", PASSWORD).await.expect("an account")
    }

    async fn load(&self) -> Value {
        Http::new(&self.admin.to_string()).call(Method::GET, "/load", None, None).await.expect("load")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // What a test that failed left; the process is ours, since its command names our folder's address.
        if let Ok(pid) = std::fs::read_to_string(self.path("pid")) {
            let pid = pid.trim();
            let ours = std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&self.admin.to_string()));
            if ours {
                let _ = std::process::Command::new("kill").args(["-KILL", pid]).status();
            }
        }
    }
}

#[tokio::test]
async fn a_deployment_moves_everybody_before_it_stops_and_lets_nobody_in_before_it_is_ready() {
    let instance = Instance::new();
    // The first deployment: nothing is there to drain, and that is no failure.
    assert!(instance.passes("begin-drain.sh", &[]).await.contains("nobody to move"));
    instance.started().await;
    let said = instance.passes("validate.sh", &[("ELASTIC_CHAT_VERSION", env!("CARGO_PKG_VERSION"))]).await;
    assert!(said.contains("is ready"), "{said}");

    let account = instance.account().await;
    let mut sockets = Vec::new();
    for device in ["a", "b", "c"] {
        sockets.push(instance.socket(&account, device).await);
    }
    let said = instance.passes("begin-drain.sh", &[]).await;
    assert!(said.contains("3 connections"), "{said}");
    // A node that drains must not be taken for one that was deployed.
    let refused = instance.fails("validate.sh", &[("ELASTIC_CHAT_READY_SECONDS", "1")]).await;
    assert!(refused.contains("not ready"), "{refused}");
    // They move when they are asked to, as clients do; the hook waits for the last of them.
    let leaving = tokio::spawn(async move {
        for mut socket in sockets {
            socket.expect("goaway").await;
            socket.ws.close(None).await.expect("the socket is still open: nobody was cut");
        }
    });
    let said = instance.passes("stop.sh", &[]).await;
    leaving.await.expect("everybody was asked");
    assert!(said.contains("the node is drained"), "{said}");
    assert_eq!(instance.asked(), "up\nstop\n");
    let refused = instance.fails("validate.sh", &[("ELASTIC_CHAT_READY_SECONDS", "1")]).await;
    assert!(refused.contains("no node answers"), "{refused}");
    // And up again, on what the one before left.
    instance.started().await;
    instance.account().await;
    instance.passes("stop.sh", &[]).await;
}

#[tokio::test]
async fn a_client_that_does_not_move_holds_nothing_up() {
    let instance = Instance::new();
    instance.started().await;
    let account = instance.account().await;
    let mut stubborn = instance.socket(&account, "stubborn").await;
    let begin = Instant::now();
    let hook = instance.passes("stop.sh", &[("ELASTIC_CHAT_DRAIN_SECONDS", "1")]);
    let (said, code) = tokio::join!(hook, stubborn.expect_close());
    assert!(said.contains("1 connections did not move in time"), "{said}");
    assert_eq!(code, 1012, "it is told that the server restarts, and resumes elsewhere");
    assert!(begin.elapsed() < Duration::from_secs(40), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn what_is_wrong_is_said() {
    let instance = Instance::new();
    let said = instance.fails("begin-drain.sh", &[("ELASTIC_CHAT_DRAIN_SECONDS", "soon")]).await;
    assert!(said.contains("ELASTIC_CHAT_DRAIN_SECONDS is soon"), "{said}");
    instance.started().await;
    let said = instance.fails("begin-drain.sh", &[("ELASTIC_CHAT_DRAIN_SECONDS", "9999")]).await;
    assert!(said.contains("at most 3600"), "{said}");
    assert_eq!(instance.load().await["state"], "serving", "a refused drain changed nothing");
    let said = instance.fails("validate.sh", &[("ELASTIC_CHAT_VERSION", "9.9.9")]).await;
    assert!(said.contains("not 9.9.9"), "{said}");
    instance.passes("stop.sh", &[]).await;
}
