use std::sync::Arc;
use std::time::Duration;

use chat_ports::PortError;
use parking_lot::RwLock;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{BucketLimits, CassandraConfig};
use crate::connection::{Connection, jitter};
use crate::failure::{BACKEND, SetupError, advise, corrupt};
use crate::migrate::VERSION;
use crate::statements::{Profiles, Statements};

/// The store in Cassandra. Dropping it ends its connections; [`close`](Self::close) waits until they are.
pub struct CassandraStore {
    state: Arc<RwLock<State>>,
    stop: CancellationToken,
    tasks: TaskTracker,
}

enum State {
    /// Why not yet.
    Connecting(String),
    Ready(Arc<Connection>),
    Closed,
}

const FIRST_DELAY: Duration = Duration::from_millis(100);
const LONGEST_DELAY: Duration = Duration::from_secs(5);
/// Contact points, metadata, some eighty prepared statements.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(20);

impl CassandraStore {
    /// Connects in the background, as long as it takes; until then every call answers
    /// [`PortError::Unavailable`] with the reason. Fails only for a setting that can't be right. Needs a Tokio runtime.
    pub fn open(config: CassandraConfig) -> Result<Self, SetupError> {
        Self::open_with(config, BucketLimits::default())
    }

    /// As [`open`](Self::open), with other limits for a timeline's partitions: all processes may differ.
    pub fn open_with(config: CassandraConfig, limits: BucketLimits) -> Result<Self, SetupError> {
        config.check()?;
        let first = format!("{}: not connected yet; is it running, and is that its CQL port?", config.addresses());
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let state = Arc::new(RwLock::new(State::Connecting(first)));
        let (shared, cancelled) = (Arc::clone(&state), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = cancelled.cancelled() => {}
                () = connect_at_last(&config, limits, &shared) => {}
            }
        });
        tasks.close();
        Ok(Self { state, stop, tasks })
    }

    /// Ends the connections. Calls answer `Unavailable` from then on.
    pub async fn close(&self) {
        self.stop.cancel();
        self.tasks.wait().await;
        *self.state.write() = State::Closed;
    }

    /// The secret of this name that all processes of the cluster share: `candidate`, for whoever asks first.
    ///
    /// # Errors
    /// [`PortError::Unavailable`]: it may have been set all the same, and is then answered to whoever asks next.
    pub async fn shared_secret(&self, name: &str, candidate: [u8; 32]) -> Result<[u8; 32], PortError> {
        let connection = self.connection()?;
        let values = (name, candidate.as_slice());
        let outcome = connection.settle(&connection.statements.set_secret, values).await?;
        if outcome.applied {
            return Ok(candidate);
        }
        outcome.bytes("value").ok_or_else(|| corrupt("a secret that has not 32 bytes"))
    }

    pub(crate) fn connection(&self) -> Result<Arc<Connection>, PortError> {
        match &*self.state.read() {
            State::Ready(connection) => Ok(Arc::clone(connection)),
            State::Connecting(reason) => Err(PortError::unavailable(BACKEND, reason)),
            State::Closed => Err(PortError::unavailable(BACKEND, "the store was closed")),
        }
    }
}

impl Drop for CassandraStore {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Later versions only add: an older program goes on beside a newer one.
pub(crate) fn right_version(found: i32) -> Result<(), String> {
    if found >= VERSION {
        return Ok(());
    }
    Err(format!("the schema is at version {found}, {VERSION} is needed; run `chat-node migrate`"))
}

async fn connect_at_last(config: &CassandraConfig, limits: BucketLimits, state: &RwLock<State>) {
    let (mut delay, mut said) = (FIRST_DELAY, String::new());
    loop {
        let attempt = tokio::time::timeout(ATTEMPT_TIMEOUT, connect(config, limits)).await;
        let reason = match attempt {
            Ok(Ok(connection)) => {
                tracing::info!(addresses = config.addresses(), keyspace = config.keyspace, "connected to Cassandra");
                *state.write() = State::Ready(Arc::new(connection));
                return;
            }
            Ok(Err(reason)) => reason,
            Err(_) => format!("{}: no answer within {} s", config.addresses(), ATTEMPT_TIMEOUT.as_secs()),
        };
        if reason != said {
            tracing::warn!("no Cassandra yet, trying again: {reason}");
            said.clone_from(&reason);
        }
        *state.write() = State::Connecting(reason);
        tokio::time::sleep(jitter(delay)).await;
        delay = (delay * 2).min(LONGEST_DELAY);
    }
}

async fn connect(config: &CassandraConfig, limits: BucketLimits) -> Result<Connection, String> {
    let addresses = config.addresses();
    let builder = config.session().map_err(|error| error.to_string())?;
    let session = builder.use_keyspace(&config.keyspace, false).build().await;
    let session = session.map_err(|error| advise(&addresses, &error))?;
    let datacenter = datacenter(config, &session).map_err(|error| error.to_string())?;
    let profiles = Profiles::new(Some(&datacenter));
    let version = "SELECT version FROM schema_version WHERE component = 'chat'";
    let version = session.query_unpaged(version, ()).await.map_err(|error| advise(&addresses, &error))?;
    let version = version.into_rows_result().ok().and_then(|rows| rows.maybe_first_row::<(Option<i32>,)>().ok()?);
    let version = version.and_then(|(version,)| version).unwrap_or(0);
    right_version(version).map_err(|detail| format!("{addresses}: {detail}"))?;
    let statements = Statements::prepare(&session, &profiles).await;
    let statements = statements.map_err(|error| format!("{addresses}: {error}"))?;
    Ok(Connection::new(session, statements, profiles, addresses, limits))
}

/// The one that is set, or the only one there is.
pub fn datacenter(config: &CassandraConfig, session: &scylla::client::session::Session) -> Result<String, SetupError> {
    let state = session.get_cluster_state();
    let mut names: Vec<_> = state.get_nodes_info().iter().filter_map(|node| node.datacenter.clone()).collect();
    names.sort();
    names.dedup();
    match (&config.datacenter, names.as_slice()) {
        (Some(name), names) if names.contains(name) => Ok(name.clone()),
        (None, [name]) => Ok(name.clone()),
        (Some(name), names) => Err(SetupError::Config(format!("no datacenter {name:?} here: there is {names:?}"))),
        (None, names) => Err(SetupError::Config(format!("name the local datacenter: there is {names:?}"))),
    }
}
