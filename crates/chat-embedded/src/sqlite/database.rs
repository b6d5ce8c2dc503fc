use std::path::Path;
use std::sync::Arc;

use chat_ports::PortError;
use parking_lot::Mutex;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::failure::{BACKEND, port_error};
use super::schema::{self, SchemaError};
use super::writer::Writer;

/// Connections for reading. More than cores, since a read may wait for the disk.
const READERS: usize = 4;
/// Kibibytes of page cache for each connection.
const READ_CACHE_KIB: i32 = 8_192;
const WRITE_CACHE_KIB: i32 = 65_536;
const STATEMENTS: usize = 128;

/// One file: a writer thread, and readers that see the last commit.
pub struct Database {
    pub writer: Writer,
    readers: Mutex<Vec<Connection>>,
    free: Semaphore,
    /// For single rows that are surely in the page cache: no change of thread.
    point: Mutex<Connection>,
}

impl Database {
    pub fn open(path: &Path) -> Result<Arc<Self>, SchemaError> {
        let open = || connect(path, WRITE_CACHE_KIB, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE);
        let mut writing = open().map_err(|source| SchemaError::Open { file: path.display().to_string(), source })?;
        schema::migrate(&mut writing, path)?;
        let read = || connect(path, READ_CACHE_KIB, OpenFlags::SQLITE_OPEN_READ_WRITE);
        let failed = |source| SchemaError::Open { file: path.display().to_string(), source };
        let readers = (0..READERS).map(|_| read()).collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
        let point = read().map_err(failed)?;
        let writer = Writer::start(writing).map_err(SchemaError::Thread)?;
        Ok(Arc::new(Self {
            writer,
            readers: Mutex::new(readers),
            free: Semaphore::new(READERS),
            point: Mutex::new(point),
        }))
    }

    /// Runs a query on a thread that may block.
    pub async fn read<T, F>(self: &Arc<Self>, query: F) -> Result<T, PortError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let closed = |detail: &dyn std::fmt::Display| PortError::unavailable(BACKEND, detail);
        let _turn = self.free.acquire().await.map_err(|error| closed(&error))?;
        let database = Arc::clone(self);
        let reading = tokio::task::spawn_blocking(move || {
            let connection = database.readers.lock().pop();
            let Some(connection) = connection else { return Err(PortError::unavailable(BACKEND, "no free reader")) };
            let result = query(&connection).map_err(|error| port_error(&error));
            database.readers.lock().push(connection);
            result
        });
        reading.await.map_err(|error| closed(&error))?
    }

    /// Looks up single rows by key, on the spot: a few microseconds.
    pub fn point<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, PortError> {
        query(&self.point.lock()).map_err(|error| port_error(&error))
    }

    pub async fn close(&self) {
        self.writer.close().await;
    }
}

fn connect(path: &Path, cache_kib: i32, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // FULL: a commit is on the disk before it returns.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    Ok(connection)
}
