//! The ports on one machine: log and store in one SQLite file, tail and directory in memory.
//!
//! A record and what it does to the store are one transaction, made durable (fsync) before the append returns: after a
//! crash at any point there is nothing to repair. See `docs/adr/0002-embedded-projects-in-the-log-transaction.md`.

mod directory;
mod embedded;
mod lock;
mod sqlite;
mod tail;

pub use directory::MemoryDirectory;
pub use embedded::{Embedded, OpenError};
pub use sqlite::{BackupError, SqliteLog, SqliteStore, backup, check_file};
pub use tail::MemoryTail;
