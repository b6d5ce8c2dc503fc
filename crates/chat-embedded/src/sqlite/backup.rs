use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// The whole file in one step: with a write-ahead log a long read holds up no writer, while a copy in several steps begins
/// anew whenever somebody writes between two of them.
const ALL_PAGES: i32 = -1;
/// Before the next try, when another process holds the file for itself (recovery).
const RETRY: std::time::Duration = std::time::Duration::from_millis(10);

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
        while copying.step(ALL_PAGES)? != StepResult::Done {
            std::thread::sleep(RETRY);
        }
    }
    let problems = check_file(&partial)?;
    if !problems.is_empty() {
        return Err(BackupError::Damaged(problems.join("; ")));
    }
    std::fs::File::open(&partial)?.sync_all()?;
    std::fs::rename(&partial, to)?;
    // The name too must outlive a power cut.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(folder)?.sync_all()?;
    Ok(())
}

/// What SQLite finds wrong with a file; empty when it is sound.
pub fn check_file(path: &Path) -> Result<Vec<String>, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mut problems = Vec::new();
    match quick_check(&connection, &mut problems) {
        // Damage can be such that the check itself comes to no end.
        Err(error) if is_damage(&error) => problems.push(error.to_string()),
        result => result?,
    }
    Ok(problems)
}

fn quick_check(connection: &Connection, problems: &mut Vec<String>) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare("PRAGMA quick_check(20)")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            problems.push(line);
        }
    }
    Ok(())
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
