//! Log and store in one SQLite file.

mod accounts;
mod apply;
mod backup;
mod conversations;
mod database;
mod failure;
mod files;
mod log;
mod messages;
mod schema;
mod value;
mod writer;

use std::sync::Arc;

pub use backup::{BackupError, backup, check_file};
pub use database::Database;
pub use log::SqliteLog;
pub use schema::SchemaError;

/// [`chat_ports::ChatStore`] over SQLite.
pub struct SqliteStore {
    database: Arc<Database>,
}

impl SqliteStore {
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}
