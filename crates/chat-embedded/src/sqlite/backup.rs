use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

/// Pages copied between two chances for the writer.
const PAGES: i32 = 1_024;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{0} exists already: choose another name")]
    Exists(String),
    #[error("cannot write the copy: {0}")]
    Io(#[from] std::io::Error),
    #[error("cannot copy the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the copy is damaged: {0}")]
    Damaged(String),
}

/// Copies a database that may be in use, checks the copy, and only then gives it its name.
pub fn backup(from: &Path, to: &Path) -> Result<(), BackupError> {
    if to.exists() {
        return Err(BackupError::Exists(to.display().to_string()));
    }
    let partial = to.with_extension("partial");
    if partial.exists() {
        std::fs::remove_file(&partial)?;
    }
    {
        let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let mut target = Connection::open(&partial)?;
        let copying = Backup::new(&source, &mut target)?;
        while copying.step(PAGES)? != StepResult::Done {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
    let problems = check_file(&partial)?;
    if !problems.is_empty() {
        return Err(BackupError::Damaged(problems.join("; ")));
    }
    std::fs::File::open(&partial)?.sync_all()?;
    std::fs::rename(&partial, to)?;
    Ok(())
}

/// What SQLite finds wrong with a file; empty when it is sound.
pub fn check_file(path: &Path) -> Result<Vec<String>, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut statement = connection.prepare("PRAGMA quick_check(20)")?;
    let found = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    Ok(found.into_iter().filter(|line| line != "ok").collect())
}
