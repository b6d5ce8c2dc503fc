//! The handle that the tail and the directory share: connections, routing, deadlines.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chat_ports::PortError;
use futures_util::future::join_all;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Address, RedisConfig, RedisConfigError, Target};
use crate::connect::{Connected, Connector, Expect};
use crate::counters::{Counters, CountersReading};
use crate::failure::{failure, timed_out, unavailable};
use crate::identity::Identities;
use crate::leases::Leases;
use crate::link::Link;
use crate::pool::Pool;
use crate::request::Request;
use crate::routes::Routes;

/// Redirections followed before a command is given up.
const HOPS: usize = 5;
/// How long `close` waits for what is under way.
const CLOSE: Duration = Duration::from_secs(2);

/// Redis as this process uses it: connections shared by all tasks, which come back by themselves, and the process's own
/// incarnation. Cheap to clone. Without calls it does nothing, so that it can be made before there is a runtime.
#[derive(Clone)]
pub struct Redis {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) routes: Arc<Routes>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) tasks: TaskTracker,
    pub(crate) token: CancellationToken,
    pub(crate) counters: Counters,
    pub(crate) identities: Identities,
    pub(crate) leases: Leases,
    pub(crate) timeout: Duration,
    connections: u8,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

impl Redis {
    /// Checks the configuration. Connections are made when they are needed, and Redis may be down.
    ///
    /// # Errors
    /// The URL is not one, a limit is too small, or the certificates to trust cannot be read.
    pub fn open(config: RedisConfig) -> Result<Self, RedisConfigError> {
        let RedisConfig {
            url,
            username,
            password_file,
            ca_file,
            sentinel_username,
            sentinel_password_file,
            timeout,
            connections,
        } = config;
        if connections == 0 {
            return Err(RedisConfigError::TooSmall { setting: "connections", least: "1" });
        }
        if timeout < Duration::from_millis(10) {
            return Err(RedisConfigError::TooSmall { setting: "timeout", least: "10 ms" });
        }
        let (target, tls) = Target::parse(&url)?;
        let roots = ca_file.map(|path| {
            let detail = |error: std::io::Error| RedisConfigError::CaFile {
                path: path.display().to_string(),
                detail: error.to_string(),
            };
            std::fs::read(&path).map_err(detail)
        });
        let roots = roots.transpose()?;
        if tls {
            // Fails when the process has a provider already: then that one is used.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let (expect, db) = match &target {
            Target::Standalone { db, .. } => (Expect::Standalone, *db),
            Target::Sentinel { .. } => (Expect::Primary, 0),
            Target::Cluster { .. } => (Expect::ClusterMember, 0),
        };
        let (tasks, token) = (TaskTracker::new(), CancellationToken::new());
        let data = Connector { expect, tls, db, username, password_file, roots: roots.clone() };
        let pool = Arc::new(Pool::new(Arc::new(data), tasks.clone(), token.clone()));
        let asked = if expect == Expect::Primary {
            let sentinel = Connector {
                expect: Expect::Sentinel,
                tls,
                db: 0,
                username: sentinel_username,
                password_file: sentinel_password_file,
                roots,
            };
            Arc::new(Pool::new(Arc::new(sentinel), tasks.clone(), token.clone()))
        } else {
            Arc::clone(&pool)
        };
        let routes = Routes::new(target, asked, Arc::clone(&pool), tasks.clone(), token.clone());
        let inner = Inner {
            routes,
            pool,
            tasks,
            token,
            counters: Counters::default(),
            identities: Identities::new(),
            leases: Leases::default(),
            timeout,
            connections,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Ends all connections and tasks; receivers close. Calls answer `Unavailable` afterwards.
    pub async fn close(&self) {
        self.inner.token.cancel();
        self.inner.tasks.close();
        if tokio::time::timeout(CLOSE, self.inner.tasks.wait()).await.is_err() {
            tracing::warn!("tasks that use Redis did not end in time");
        }
    }

    /// What could not be done, since the start.
    pub fn counters(&self) -> CountersReading {
        self.inner.counters.read()
    }

    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.inner.timeout
    }

    fn link(&self, address: &Address, slot: u16) -> Arc<Link> {
        let index = slot % u16::from(self.inner.connections);
        self.inner.pool.link(address, u8::try_from(index).unwrap_or_default())
    }

    /// The connection, if its server was a primary when it was made: else the name of its history may be an old one.
    async fn primary(&self, link: &Link, deadline: Instant) -> Result<Connected, PortError> {
        let connected = link.connection(deadline).await?;
        if connected.facts.primary {
            return Ok(connected);
        }
        link.suspect();
        Err(unavailable(format_args!(
            "{} is a replica, or has just become a primary; name the primary, or use redis+sentinel:// or redis+cluster://",
            link.address
        )))
    }

    pub(crate) fn open_still(&self) -> Result<(), PortError> {
        if self.inner.token.is_cancelled() {
            return Err(unavailable("this process has closed its connections"));
        }
        Ok(())
    }

    /// Sends one request where it belongs, and waits for the answer until the deadline.
    pub(crate) async fn call(&self, request: &Request) -> Result<Value, PortError> {
        self.call_until(request, None, self.deadline()).await
    }

    async fn call_until(
        &self,
        request: &Request,
        first: Option<Address>,
        deadline: Instant,
    ) -> Result<Value, PortError> {
        self.open_still()?;
        let routes = &self.inner.routes;
        let (mut address, mut asking) = match first {
            Some(address) => (address, false),
            None => (routes.owner(request.slot, deadline).await?, false),
        };
        for _ in 0..HOPS {
            let link = self.link(&address, request.slot);
            let Connected { mut connection, facts } =
                self.primary(&link, deadline).await.inspect_err(|_| routes.poke())?;
            let cmd = request.of_life(&facts.life);
            let send = send(&mut connection, &cmd, asking);
            let Ok(answer) = tokio::time::timeout_at(deadline, send).await else {
                link.suspect();
                routes.poke();
                return Err(timed_out(&address, self.inner.timeout));
            };
            let error = match answer {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            asking = false;
            match redirection(&error, &address) {
                Some(Redirection::Moved(to)) => {
                    routes.moved(request.slot, &to);
                    address = to;
                }
                Some(Redirection::Ask(to)) => {
                    address = to;
                    asking = true;
                }
                Some(Redirection::Load) => load(&mut connection, request, deadline).await,
                None => {
                    if error.is_io_error() || matches!(error.code(), Some("READONLY" | "CLUSTERDOWN" | "MASTERDOWN")) {
                        routes.poke();
                    }
                    return Err(failure(&address, &error));
                }
            }
        }
        Err(unavailable(format_args!("{address}: the servers send each other the request; slots are moving")))
    }

    /// Sends many requests, those for one server as one pipeline. The answers are in the order of the requests.
    pub(crate) async fn call_all(&self, requests: &[Request]) -> Vec<Result<Value, PortError>> {
        let deadline = self.deadline();
        let mut groups: HashMap<(Address, u16), Vec<usize>> = HashMap::new();
        let mut answers: Vec<Option<Result<Value, PortError>>> = requests.iter().map(|_| None).collect();
        for (n, request) in requests.iter().enumerate() {
            match self.inner.routes.owner(request.slot, deadline).await {
                Ok(address) => {
                    groups.entry((address, request.slot % u16::from(self.inner.connections))).or_default().push(n);
                }
                Err(error) => answers[n] = Some(Err(error)),
            }
        }
        let sent = groups.into_iter().map(|((address, _), group)| async move {
            let answers = self.pipeline(&address, &group, requests, deadline).await;
            group.into_iter().zip(answers).collect::<Vec<_>>()
        });
        for (n, answer) in join_all(sent).await.into_iter().flatten() {
            answers[n] = Some(answer);
        }
        let lost = || Err(unavailable("an answer is missing"));
        answers.into_iter().map(|answer| answer.unwrap_or_else(lost)).collect()
    }

    async fn pipeline(
        &self,
        address: &Address,
        group: &[usize],
        requests: &[Request],
        deadline: Instant,
    ) -> Vec<Result<Value, PortError>> {
        let all = |error: PortError| group.iter().map(|_| Err(error.clone())).collect();
        if let Err(error) = self.open_still() {
            return all(error);
        }
        let slot = group.first().map_or(0, |n| requests[*n].slot);
        let link = self.link(address, slot);
        let Connected { mut connection, facts } = match self.primary(&link, deadline).await {
            Ok(connected) => connected,
            Err(error) => {
                self.inner.routes.poke();
                return all(error);
            }
        };
        let mut pipeline = redis::Pipeline::with_capacity(group.len());
        for n in group {
            pipeline.add_command(requests[*n].of_life(&facts.life).into_owned());
        }
        let sent = tokio::time::timeout_at(deadline, connection.send_packed_commands(&pipeline, 0, group.len())).await;
        let values = match sent {
            Ok(Ok(values)) => values,
            Ok(Err(error)) => return all(failure(address, &error)),
            Err(_) => {
                link.suspect();
                return all(timed_out(address, self.inner.timeout));
            }
        };
        let mut answers = Vec::with_capacity(group.len());
        for (n, value) in group.iter().zip(values) {
            answers.push(match value.extract_error() {
                Ok(value) => Ok(value),
                // Few, and each may have to go somewhere else.
                Err(error) if redirection(&error, address).is_some() => {
                    self.call_until(&requests[*n], Some(address.clone()), deadline).await
                }
                Err(error) => Err(failure(address, &error)),
            });
        }
        answers
    }

    /// Does every server that has data answer?
    pub(crate) async fn check(&self) -> Result<(), PortError> {
        self.open_still()?;
        let deadline = self.deadline();
        let table = self.inner.routes.table(deadline).await?;
        let ping = redis::cmd("PING");
        let pings = table.addresses().iter().map(|address| async {
            let link = self.link(address, 0);
            let mut connection = self.primary(&link, deadline).await?.connection;
            match tokio::time::timeout_at(deadline, connection.send_packed_command(&ping)).await {
                Ok(answer) => answer.and_then(Value::extract_error).map_err(|error| failure(address, &error)),
                Err(_) => Err(timed_out(address, self.inner.timeout)),
            }
        });
        for answer in join_all(pings).await {
            answer.inspect_err(|_| self.inner.routes.poke())?;
        }
        Ok(())
    }
}

async fn send(
    connection: &mut redis::aio::MultiplexedConnection,
    cmd: &Cmd,
    asking: bool,
) -> Result<Value, RedisError> {
    if !asking {
        return connection.send_packed_command(cmd).await.and_then(Value::extract_error);
    }
    let mut pipeline = redis::Pipeline::with_capacity(2);
    pipeline.cmd("ASKING").add_command(cmd.clone());
    let mut answers = connection.send_packed_commands(&pipeline, 0, 2).await?;
    answers.pop().unwrap_or_default().extract_error()
}

/// The server has forgotten the scripts (SCRIPT FLUSH). If this fails, so will what follows.
async fn load(connection: &mut redis::aio::MultiplexedConnection, request: &Request, deadline: Instant) {
    if let Some(script) = request.script {
        let mut cmd = redis::cmd("SCRIPT");
        cmd.arg("LOAD").arg(script.text);
        let _ = tokio::time::timeout_at(deadline, connection.send_packed_command(&cmd)).await;
    }
}

pub(crate) enum Redirection {
    Moved(Address),
    Ask(Address),
    Load,
}

/// What to do instead, when an error says so. An address without a host is at the same host.
pub(crate) fn redirection(error: &RedisError, asked: &Address) -> Option<Redirection> {
    let to = || {
        let (address, _) = error.redirect_node()?;
        let mut address = Address::parse(address)?;
        if address.host.is_empty() {
            address.host.clone_from(&asked.host);
        }
        Some(address)
    };
    match error.kind() {
        ErrorKind::Server(ServerErrorKind::Moved) => to().map(Redirection::Moved),
        ErrorKind::Server(ServerErrorKind::Ask) => to().map(Redirection::Ask),
        ErrorKind::Server(ServerErrorKind::NoScript) => Some(Redirection::Load),
        _ => None,
    }
}
