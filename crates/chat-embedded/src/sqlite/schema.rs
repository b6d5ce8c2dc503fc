use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _};

/// Why a database file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error("{file}: cannot open the database: {source}")]
    Open { file: String, source: rusqlite::Error },
    #[error("{file}: the database has schema {found}, this version knows up to {known}: use a newer version")]
    Newer { file: String, found: i64, known: i64 },
    #[error("{file}: schema step {step} failed: {source}")]
    Step { file: String, step: i64, source: rusqlite::Error },
    #[error("cannot start the writer thread: {0}")]
    Thread(std::io::Error),
}

/// Forward only: a step, once released, never changes.
const STEPS: [&str; 1] = [include_str!("schema/001.sql")];

/// Brings the file to this version, each step in a transaction of its own.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), SchemaError> {
    let file = || path.display().to_string();
    let open = |source| SchemaError::Open { file: file(), source };
    connection
        .execute_batch("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL, applied_at TEXT NOT NULL)")
        .map_err(open)?;
    let found: i64 = connection
        .query_row("SELECT max(version) FROM schema_version", [], |row| row.get::<_, Option<i64>>(0))
        .optional()
        .map_err(open)?
        .flatten()
        .unwrap_or(0);
    let known = i64::try_from(STEPS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(SchemaError::Newer { file: file(), found, known });
    }
    for (step, sql) in (1..).zip(STEPS).filter(|(step, _)| *step > found) {
        let apply = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch(sql)?;
            transaction.execute("INSERT INTO schema_version VALUES (?1, datetime('now'))", [step])?;
            transaction.commit()
        };
        apply(connection).map_err(|source| SchemaError::Step { file: file(), step, source })?;
    }
    Ok(())
}
