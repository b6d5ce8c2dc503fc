use chat_ports::PortError;
use rusqlite::{Error, ErrorCode};

pub const BACKEND: &str = "embedded store";

/// What a SQLite error means to the ports.
pub fn port_error(error: &Error) -> PortError {
    let detail = error.to_string();
    let backend = BACKEND;
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => PortError::Full { backend, detail },
        // Writing fails with an I/O error where the file system is full in its own ways (quotas, thin volumes).
        Some(ErrorCode::SystemIoFailure) => match error.sqlite_extended_error_code() {
            Some(
                rusqlite::ffi::SQLITE_IOERR_WRITE
                | rusqlite::ffi::SQLITE_IOERR_FSYNC
                | rusqlite::ffi::SQLITE_IOERR_TRUNCATE
                | rusqlite::ffi::SQLITE_IOERR_SHMSIZE,
            ) => PortError::Full { backend, detail },
            _ => PortError::Unavailable { backend, detail },
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen | ErrorCode::ReadOnly) => {
            PortError::Unavailable { backend, detail }
        }
        // None: not from SQLite itself, but a value of the wrong type or text that does not parse.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => PortError::Corrupt { backend, detail },
        Some(_) => PortError::Refused { backend, detail },
    }
}
