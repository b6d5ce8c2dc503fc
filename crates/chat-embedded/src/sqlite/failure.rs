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

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn what_sqlite_says_and_what_it_means() {
        let db = Connection::open_in_memory().expect("opens");
        db.execute_batch("CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (1); PRAGMA max_page_count = 5")
            .expect("made");
        let full = db.execute("INSERT INTO t VALUES (zeroblob(100000))", []).expect_err("no room");
        assert!(matches!(port_error(&full), PortError::Full { .. }), "{full:?}");
        let twice = db.execute("INSERT INTO t VALUES (1)", []).expect_err("unique");
        assert!(matches!(port_error(&twice), PortError::Refused { .. }), "{twice:?}");
        let odd = db.query_row("SELECT 'text' FROM t", [], |row| row.get::<_, i64>(0)).expect_err("no number");
        assert!(matches!(port_error(&odd), PortError::Corrupt { .. }), "{odd:?}");
        db.execute_batch("BEGIN EXCLUSIVE; PRAGMA query_only = 1").expect("set");
        let read_only = db.execute("INSERT INTO t VALUES (2)", []).expect_err("read-only");
        assert!(matches!(port_error(&read_only), PortError::Unavailable { .. }), "{read_only:?}");
    }
}
