use std::time::Duration;

use chat_core::{ConversationId, SessionId};
use chat_ports::PortError;
use chat_ports::store::{RowPage, SessionRow};
use futures_util::StreamExt as _;
use moka::future::Cache;
use scylla::client::session::Session;
use scylla::deserialize::row::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use scylla::statement::prepared::PreparedStatement;
use scylla::value::{CqlValue, Row};
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::buckets::Mappings;
use crate::config::BucketLimits;
use crate::epochs::Epochs;
use crate::failure::{self, corrupt};
use crate::flights::Flights;
use crate::pages::PageKey;
use crate::statements::{Profiles, Statements};

/// A session with everything that lives as long as it.
pub struct Connection {
    pub session: Session,
    pub statements: Statements,
    pub profiles: Profiles,
    pub addresses: String,
    /// Requests of `apply` that are on their way at once.
    pub permits: Semaphore,
    pub mappings: Mappings,
    pub pages: Flights<PageKey, RowPage>,
    pub counts: Cache<(ConversationId, u64), u64>,
    pub membership_epochs: Epochs,
    pub sessions: Cache<(SessionId, u64), Option<SessionRow>>,
    pub session_epochs: Epochs,
}

/// Enough to keep a cluster busy at 5 ms a write, few enough not to bury one node.
const REQUESTS: usize = 256;
/// How old a count of members may be that another process changed.
const COUNT_LIFE: Duration = Duration::from_secs(10);
/// How long a session that another process ended may go on here.
const SESSION_LIFE: Duration = Duration::from_secs(2);
const COUNTS: u64 = 50_000;
const SESSIONS: u64 = 50_000;
/// Attempts of a transaction that met with others.
const ATTEMPTS: u32 = 5;

// The driver's futures are large: boxed, those that wait for several stay small.
impl Connection {
    pub fn new(
        session: Session,
        statements: Statements,
        profiles: Profiles,
        addresses: String,
        limits: BucketLimits,
    ) -> Self {
        Self {
            session,
            statements,
            profiles,
            addresses,
            permits: Semaphore::new(REQUESTS),
            mappings: Mappings::new(limits),
            pages: Flights::default(),
            counts: Cache::builder().max_capacity(COUNTS).time_to_live(COUNT_LIFE).build(),
            membership_epochs: Epochs::default(),
            sessions: Cache::builder().max_capacity(SESSIONS).time_to_live(SESSION_LIFE).build(),
            session_epochs: Epochs::default(),
        }
    }

    pub async fn write(&self, statement: &PreparedStatement, values: impl SerializeRow) -> Result<(), PortError> {
        let result = Box::pin(self.session.execute_unpaged(statement, values)).await;
        result.map(drop).map_err(|error| failure::execution(&self.addresses, &error))
    }

    /// All rows of a bounded read.
    pub async fn all<R>(&self, statement: &PreparedStatement, values: impl SerializeRow) -> Result<Vec<R>, PortError>
    where
        R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
    {
        let result = Box::pin(self.session.execute_unpaged(statement, values)).await;
        let result = result.map_err(|error| failure::execution(&self.addresses, &error))?;
        let rows = result.into_rows_result().map_err(corrupt)?;
        let rows = rows.rows::<R>().map_err(corrupt)?;
        rows.collect::<Result<_, _>>().map_err(corrupt)
    }

    pub async fn first<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<Option<R>, PortError>
    where
        R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata>,
    {
        Ok(self.all(statement, values).await?.into_iter().next())
    }

    /// Reads a partition of any size page by page, as long as `each` says so.
    pub async fn scan<R>(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
        mut each: impl FnMut(R) -> Result<bool, PortError>,
    ) -> Result<(), PortError>
    where
        R: for<'frame, 'metadata> DeserializeRow<'frame, 'metadata> + 'static,
    {
        let pager = Box::pin(self.session.execute_iter(statement.clone(), values)).await;
        let pager = pager.map_err(|error| failure::pager(&self.addresses, &error))?;
        let rows = pager.rows_stream::<R>().map_err(corrupt)?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| failure::next_row(&self.addresses, &error))?;
            if !each(row)? {
                break;
            }
        }
        Ok(())
    }

    /// A lightweight transaction, tried once.
    pub async fn transaction(
        &self,
        statement: &PreparedStatement,
        values: impl SerializeRow,
    ) -> Result<Outcome, PortError> {
        let result = Box::pin(self.session.execute_unpaged(statement, values)).await;
        Outcome::read(result.map_err(|error| failure::execution(&self.addresses, &error))?)
    }

    /// One whose caller can tell from the row in its way that it was itself who wrote it: tried again when it is not
    /// known what became of it.
    pub async fn settle(&self, statement: &PreparedStatement, values: impl SerializeRow) -> Result<Outcome, PortError> {
        let mut attempt = 1;
        loop {
            match self.transaction(statement, &values).await {
                Err(error) if error.retryable() && attempt < ATTEMPTS => {
                    tokio::time::sleep(jitter(Duration::from_millis(20 << attempt))).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }
}

/// Half to all of `most`.
pub fn jitter(most: Duration) -> Duration {
    let half = most / 2;
    let [low, high, ..] = *Uuid::new_v4().as_bytes();
    half + half * u32::from(u16::from_le_bytes([low, high])) / u32::from(u16::MAX)
}

/// What a transaction did, and the row that was in its way.
pub struct Outcome {
    pub applied: bool,
    names: Vec<String>,
    row: Row,
}

impl Outcome {
    pub fn read(result: scylla::response::query_result::QueryResult) -> Result<Self, PortError> {
        let rows = result.into_rows_result().map_err(corrupt)?;
        let names = rows.column_specs().iter().map(|column| column.name().to_owned()).collect();
        let row: Row = rows.first_row().map_err(corrupt)?;
        match row.columns.first() {
            Some(Some(CqlValue::Boolean(applied))) => Ok(Self { applied: *applied, names, row }),
            _ => Err(corrupt("a transaction did not say whether it was applied")),
        }
    }

    /// A blob, of just this many bytes, of the row that was there before.
    pub fn bytes<const N: usize>(&self, name: &str) -> Option<[u8; N]> {
        match self.value(name)? {
            CqlValue::Blob(bytes) => <[u8; N]>::try_from(bytes.as_slice()).ok(),
            _ => None,
        }
    }

    /// An id of the row that was there before.
    pub fn id(&self, name: &str) -> Option<Uuid> {
        match self.value(name)? {
            CqlValue::Uuid(id) => Some(*id),
            _ => None,
        }
    }

    fn value(&self, name: &str) -> Option<&CqlValue> {
        let at = self.names.iter().position(|column| column == name)?;
        self.row.columns.get(at)?.as_ref()
    }
}
