use std::path::Path;
use std::sync::Arc;

use chat_ports::Clock;

use crate::directory::MemoryDirectory;
use crate::lock::{FolderLock, LockError};
use crate::sqlite::{Database, SchemaError, SqliteLog, SqliteStore};
use crate::tail::MemoryTail;

/// Why a data folder can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "{folder}: another process works on this data folder ({holder}); stop it first, or choose another --data-dir"
    )]
    Locked { folder: String, holder: String },
    #[error("{folder}: cannot use this data folder: {source}")]
    Folder { folder: String, source: std::io::Error },
    #[error(transparent)]
    Schema(#[from] SchemaError),
}

/// All ports over one data folder.
pub struct Embedded {
    pub log: Arc<SqliteLog>,
    pub tail: Arc<MemoryTail>,
    pub store: Arc<SqliteStore>,
    pub directory: Arc<MemoryDirectory>,
    database: Arc<Database>,
    _lock: FolderLock,
}

/// The database's file name inside the data folder.
pub const DATABASE_FILE: &str = "chat.db";

impl Embedded {
    /// Opens the folder, creates what is missing, and brings the schema up to this version.
    ///
    /// # Errors
    /// Another process has it, it can't be written, or it was written by a newer version.
    pub fn open(folder: &Path, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let name = || folder.display().to_string();
        create_private(folder).map_err(|source| OpenError::Folder { folder: name(), source })?;
        let lock = FolderLock::take(folder).map_err(|error| match error {
            LockError::Held { holder } => OpenError::Locked { folder: name(), holder },
            LockError::Io(source) => OpenError::Folder { folder: name(), source },
        })?;
        let database = Database::open(&folder.join(DATABASE_FILE))?;
        let store = Arc::new(SqliteStore::new(Arc::clone(&database)));
        Ok(Self {
            log: Arc::new(SqliteLog::new(Arc::clone(&database))),
            tail: Arc::new(MemoryTail::new(Arc::clone(&store), clock)),
            directory: Arc::new(MemoryDirectory::new(Arc::clone(&store))),
            store,
            database,
            _lock: lock,
        })
    }

    /// Waits for what was queued, writes everything into the main file, and lets go of the folder.
    pub async fn shutdown(self) {
        self.database.close().await;
    }
}

fn create_private(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}
