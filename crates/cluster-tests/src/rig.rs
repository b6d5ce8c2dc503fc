use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use elastic_chat_load::client::Http;
use serde_json::Value;
use stack::{Chat, Options, Ports, Proxies, Redis, Stack};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// For everything that a test waits for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many servers there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One of each, every one behind proxies that can be told to misbehave; nginx and the nodes behind it too.
    One,
    /// Three brokers, three Cassandra nodes, and Redis with two replicas and sentinels. Such proxies are between the brokers,
    /// and between the Cassandra nodes.
    Three,
    /// One of each, over TLS and with passwords.
    Secured,
    /// One of each, for a test that takes their data away.
    Restored,
}

impl Shape {
    fn folder(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Three => "three",
            Self::Secured => "secured",
            Self::Restored => "restored",
        }
    }

    fn options(self) -> Options {
        let mut options = match self {
            Self::One => Options { toxiproxy: true, port_offset: 11_000, ..Options::one_of_each() },
            Self::Secured => Options { secured: true, port_offset: 11_200, ..Options::one_of_each() },
            Self::Restored => Options { port_offset: 10_550, ..Options::one_of_each() },
            Self::Three => Options {
                redis: Redis::Sentinel,
                brokers: 3,
                cassandra: 3,
                s3: true,
                toxiproxy: true,
                peer_proxies: true,
                port_offset: 11_100,
                ..Options::default()
            },
        };
        let ports = options.ports();
        let upstream = |n| if self == Self::One { ports.node_proxy(n) } else { ports.node(n) };
        options.upstreams = (1..=NODES).map(upstream).collect();
        options
    }
}

/// Records on their way while people talk.
const ALMOST_NONE: u64 = 500;
const NODES: u16 = 3;
const WRITERS: u16 = 2;

/// Three nodes behind nginx and two writers, on servers that outlive the test: the next one takes them as they are.
pub struct Rig {
    pub stack: Arc<Stack>,
    options: Options,
    chat: Chat,
}

impl Rig {
    /// Starts what does not run. Servers of other shapes are stopped: the memory is for one.
    ///
    /// # Panics
    /// Something does not start: a test can't go on then.
    pub fn start(shape: Shape) -> Self {
        Self::start_with(shape, &[])
    }

    /// The same with further flags of the nodes.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn start_with(shape: Shape, more: &[&str]) -> Self {
        let variable = |name: &str| {
            let value = std::env::var_os(name);
            let how = "run ./dev test --only faults, or set it as xtask/src/steps/servers.rs does";
            PathBuf::from(value.unwrap_or_else(|| panic!("{name} is not set: {how}")))
        };
        let folder = variable("ELASTIC_CHAT_FAULTS_DIR");
        for other in [Shape::One, Shape::Three, Shape::Secured, Shape::Restored] {
            let other_folder = folder.join(other.folder());
            if other != shape && other_folder.exists() {
                Stack::open(other_folder).and_then(|stack| stack.down()).expect("the other stack stops");
            }
        }
        let stack = Stack::open(folder.join(shape.folder())).expect("a stack");
        let options = shape.options();
        stack.up(&options).expect("servers");
        let flags = [
            "--limit-sends-per-user=off",
            "--limit-auth-per-address=off",
            "--limit-connections-per-user=off",
            "--limit-handshakes=off",
            "--drain-seconds=5",
        ];
        let chat = Chat {
            nodes: NODES,
            writers: WRITERS,
            node_flags: flags.iter().chain(more).map(|flag| (*flag).to_owned()).collect(),
            through_proxies: shape == Shape::One,
            ..Chat::new(variable("ELASTIC_CHAT_BINARIES"))
        };
        let rig = Self { stack: Arc::new(stack), options, chat };
        rig.kill_chat();
        rig.stack.start_chat(&rig.chat).expect("nodes and writers");
        rig
    }

    /// The balancer.
    pub fn authority(&self) -> String {
        self.options.ports().nginx().to_string()
    }

    pub fn node(&self, n: u16) -> SocketAddr {
        self.options.ports().node(n)
    }

    pub fn redis(&self) -> SocketAddr {
        self.options.ports().redis(1)
    }

    /// Where the servers themselves are, past the proxies.
    pub fn ports(&self) -> Ports {
        self.options.ports()
    }

    pub fn kafka(&self) -> SocketAddr {
        self.options.ports().kafka(1)
    }

    /// Where `chat-node` and `writer` are.
    pub fn binaries(&self) -> &Path {
        &self.chat.binaries
    }

    /// The flags that name the servers, for a command by hand.
    pub fn backends(&self) -> Vec<String> {
        let ports = self.options.ports();
        let flags = [
            ("--redis", format!("redis://{}", ports.redis(1))),
            ("--kafka", ports.kafka(1).to_string()),
            ("--cassandra", ports.cassandra(1).to_string()),
            ("--keyspace", self.chat.keyspace.clone()),
        ];
        flags.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    pub fn proxies(&self) -> Proxies {
        Proxies::of(&self.stack).expect("this shape has proxies")
    }

    /// What a node's or writer's admin port answers.
    pub async fn admin(&self, name: &str, path: &str) -> Result<Value, elastic_chat_load::client::RestError> {
        self.admin_call(name, hyper::Method::GET, path).await
    }

    /// The same for any method.
    pub async fn admin_call(
        &self,
        name: &str,
        method: hyper::Method,
        path: &str,
    ) -> Result<Value, elastic_chat_load::client::RestError> {
        let ports = self.options.ports();
        let (kind, number) = name.split_once('-').expect("kind-number");
        let number = number.parse().expect("a number");
        let address = if kind == "node" { ports.node_admin(number) } else { ports.writer_admin(number) };
        Http::new(&address.to_string()).call(method, path, None, None).await
    }

    /// The metrics of a node, as text.
    pub async fn metrics(&self, name: &str) -> Option<String> {
        let number = name.split_once('-')?.1.parse().ok()?;
        let mut stream = TcpStream::connect(self.options.ports().node_admin(number)).await.ok()?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n").await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        Some(text)
    }

    /// Records that no writer has brought to the store yet, as the writers say.
    pub async fn lag(&self) -> Option<u64> {
        let mut lag = 0;
        for n in 1..=WRITERS {
            if let Ok(load) = self.admin(&format!("writer-{n}"), "/load").await {
                lag += load["lag_records"].as_u64()?;
            }
        }
        Some(lag)
    }

    /// Cuts these ways for so long: what goes over them is swallowed.
    pub async fn cut(&self, names: &[&str], time: Duration) {
        let proxies = self.proxies();
        names.iter().for_each(|name| proxies.cut(name).expect("cut"));
        tokio::time::sleep(time).await;
        proxies.heal().expect("heal");
    }

    /// Makes these ways slow for so long: 200 ms more to and fro.
    pub async fn slow(&self, names: &[&str], time: Duration) {
        let proxies = self.proxies();
        names.iter().for_each(|name| proxies.delay(name, 100, 20).expect("delay"));
        tokio::time::sleep(time).await;
        proxies.heal().expect("heal");
    }

    /// Waits until writers have brought to the store what was said until shortly before.
    pub async fn written(&self) {
        let begin = Instant::now();
        until("the writers to catch up", async || (self.lag().await? < ALMOST_NONE).then_some(())).await;
        println!("writers have caught up after {:.1} s more", begin.elapsed().as_secs_f64());
    }

    /// Does something that takes its time with the processes, away from the tests' own tasks.
    pub async fn act(&self, action: impl FnOnce(&Stack) -> anyhow::Result<()> + Send + 'static) {
        let stack = Arc::clone(&self.stack);
        let done = tokio::task::spawn_blocking(move || action(&stack)).await;
        done.expect("the action runs").expect("the action succeeds");
    }

    /// What is left of an earlier test, and of this one.
    fn kill_chat(&self) {
        for process in self.stack.status().unwrap_or_default() {
            if process.up && (process.name.starts_with("node-") || process.name.starts_with("writer-")) {
                let _ = self.stack.kill(&process.name);
            }
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if let Ok(proxies) = Proxies::of(&self.stack) {
            let _ = proxies.heal();
        }
        self.kill_chat();
    }
}

/// Waits until the condition gives something.
///
/// # Panics
/// It does not within a minute.
pub async fn until<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(begin.elapsed() < PATIENCE, "waited a minute for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
