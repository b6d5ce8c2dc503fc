//! Making one connection: credentials, TLS, the server's version and role, and the scripts.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chat_ports::PortError;
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo,
    TlsCertificates, Value,
};

use crate::config::Address;
use crate::failure::{failure, no_handshake, timed_out, unavailable, unconnected};
use crate::scripts;

/// How long a connection may take to be made: with TLS and credentials more than one round trip.
const CONNECT: Duration = Duration::from_millis(1_500);
/// Commands that may wait to be written, over all tasks that share a connection.
const QUEUED_COMMANDS: usize = 1_024;
/// Bytes gathered before a write.
const WRITE_BUFFER: usize = 256 * 1024;

/// What a server has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Standalone,
    /// The primary that the sentinels named.
    Primary,
    ClusterMember,
    Sentinel,
}

/// A connection, and what its server was when it was made.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) connection: MultiplexedConnection,
    pub(crate) facts: Arc<Facts>,
}

/// Whether a server is a primary, and the name of its history: it changes when a replica takes over and when a server
/// comes back, and with it what was written last may be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) primary: bool,
    pub(crate) life: String,
}

impl Facts {
    /// Reads INFO replication.
    pub(crate) fn read(info: &Value) -> Self {
        let text: String = redis::from_redis_value_ref(info).unwrap_or_default();
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
        let life = field("master_replid:");
        Self { primary: field("role:") == "master", life: life.get(..16).unwrap_or(life).to_owned() }
    }

    pub(crate) fn question() -> Cmd {
        let mut cmd = redis::cmd("INFO");
        cmd.arg("replication");
        cmd
    }
}

/// All that is needed to connect to any server of one kind.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) expect: Expect,
    pub(crate) tls: bool,
    pub(crate) db: i64,
    pub(crate) username: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
    /// PEM.
    pub(crate) roots: Option<Vec<u8>>,
}

impl Connector {
    /// Connects, checks what is there, and loads the scripts. `push` hears of messages and of the end of the connection.
    pub(crate) async fn connect(&self, address: &Address, push: impl AsyncPushSender) -> Result<Connected, PortError> {
        match tokio::time::timeout(CONNECT, self.try_connect(address, push)).await {
            Ok(done) => done,
            Err(_) if self.tls => Err(no_handshake(address, CONNECT)),
            Err(_) => Err(timed_out(address, CONNECT)),
        }
    }

    async fn try_connect(&self, address: &Address, push: impl AsyncPushSender) -> Result<Connected, PortError> {
        let client = self.client(address).await?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(None)
            .set_push_sender(push)
            .set_pipeline_buffer_size(QUEUED_COMMANDS)
            .set_write_backpressure_boundary(WRITE_BUFFER);
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        let mut connection = connection.map_err(|error| unconnected(address, self.tls, &error))?;
        let facts = Arc::new(self.check(address, &mut connection).await?);
        Ok(Connected { connection, facts })
    }

    async fn client(&self, address: &Address) -> Result<Client, PortError> {
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_db(self.db)
            .set_lib_name("elastic-chat", env!("CARGO_PKG_VERSION"));
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(path) = &self.password_file {
            settings = settings.set_password(password(path).await?);
        }
        let (host, port) = (address.host.clone(), address.port);
        let addr = if self.tls {
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        } else {
            ConnectionAddr::Tcp(host, port)
        };
        let info = addr.into_connection_info().map_err(|error| failure(address, &error))?;
        let tcp = info.tcp_settings().clone().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        let client = match &self.roots {
            Some(roots) if self.tls => {
                Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(roots.clone()) })
            }
            _ => Client::open(info),
        };
        client.map_err(|error| failure(address, &error))
    }

    /// One round trip: HELLO tells version, mode and role without any permission.
    async fn check(&self, address: &Address, connection: &mut MultiplexedConnection) -> Result<Facts, PortError> {
        let mut pipeline = redis::pipe();
        pipeline.cmd("HELLO");
        if self.expect != Expect::Sentinel {
            pipeline.add_command(Facts::question());
            for script in scripts::ALL {
                pipeline.cmd("SCRIPT").arg("LOAD").arg(script.text);
            }
        }
        let answers = connection.send_packed_commands(&pipeline, 0, pipeline.len()).await;
        let mut answers = answers.map_err(|error| failure(address, &error))?.into_iter();
        let hello = answers.next().unwrap_or_default().extract_error().map_err(|error| failure(address, &error))?;
        self.suits(address, &hello)?;
        let mut answers = answers.map(|answer| answer.extract_error().map_err(|error| failure(address, &error)));
        let facts = answers.next().transpose()?.map_or_else(Facts::default, |info| Facts::read(&info));
        answers.try_for_each(|answer| answer.map(|_| ()))?;
        Ok(facts)
    }

    fn suits(&self, address: &Address, hello: &Value) -> Result<(), PortError> {
        let fact = |name: &str| hello_fact(hello, name).unwrap_or_default();
        let (version, mode, role) = (fact("version"), fact("mode"), fact("role"));
        let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
        if major < 7 {
            return Err(unavailable(format_args!("{address} is version {version:?}; Redis 7 or later is needed")));
        }
        let wrong = match (self.expect, mode.as_str()) {
            (Expect::Standalone | Expect::Primary, "cluster") => Some("part of a cluster: use redis+cluster://"),
            (Expect::Standalone | Expect::Primary | Expect::ClusterMember, "sentinel") => {
                Some("a sentinel: use redis+sentinel://")
            }
            (Expect::ClusterMember, "standalone") => Some("not part of a cluster: use redis:// or redis+sentinel://"),
            (Expect::Sentinel, "standalone" | "cluster") => Some("not a sentinel (they listen on port 26379)"),
            (Expect::Primary, _) if role != "master" => Some("a replica now: the sentinels will name the primary"),
            _ => None,
        };
        match wrong {
            Some(wrong) => Err(unavailable(format_args!("{address} is {wrong}"))),
            None => Ok(()),
        }
    }
}

fn hello_fact(hello: &Value, name: &str) -> Option<String> {
    let text = |value: &Value| redis::from_redis_value_ref::<String>(value).ok();
    hello.as_map_iter()?.find(|(key, _)| text(key).as_deref() == Some(name)).and_then(|(_, value)| text(value))
}

async fn password(path: &Path) -> Result<String, PortError> {
    let text = tokio::fs::read_to_string(path).await;
    let text = text.map_err(|error| unavailable(format_args!("the password file {}: {error}", path.display())))?;
    Ok(text.trim().to_owned())
}
