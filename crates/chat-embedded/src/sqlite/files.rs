use async_trait::async_trait;
use chat_core::{FileId, Timestamp};
use chat_ports::PortError;
use chat_ports::store::{FileRow, FileState, FileStore};
use rusqlite::{OptionalExtension as _, Result as SqlResult, Row, params};

use super::SqliteStore;
use super::value::{id, id_or_none, time};

const COLUMNS: &str = "id, owner, conv, name, size, media_type, sha256, complete, part_size, created_at";

fn file(row: &Row<'_>) -> SqlResult<FileRow> {
    Ok(FileRow {
        id: id(row, 0)?,
        owner: id(row, 1)?,
        conversation: id_or_none(row, 2)?,
        name: row.get(3)?,
        size: row.get(4)?,
        media_type: row.get(5)?,
        sha256: row.get(6)?,
        state: if row.get(7)? { FileState::Complete } else { FileState::Pending },
        part_size: row.get(8)?,
        created_at: time(row, 9)?,
    })
}

#[async_trait]
impl FileStore for SqliteStore {
    async fn create_file(&self, new: FileRow) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                db.prepare_cached(&format!(
                    "INSERT INTO files ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                ))?
                .execute(params![
                    new.id.as_bytes(),
                    new.owner.as_bytes(),
                    new.conversation.as_ref().map(chat_core::ConversationId::as_bytes),
                    new.name,
                    new.size,
                    new.media_type,
                    new.sha256,
                    new.state == FileState::Complete,
                    new.part_size,
                    new.created_at.millis()
                ])
                .map(drop)
            })
            .await
    }

    async fn file(&self, id: FileId) -> Result<Option<FileRow>, PortError> {
        self.database.point(|db| {
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM files WHERE id = ?1"))?
                .query_row([id.as_bytes()], file)
                .optional()
        })
    }

    async fn complete_file(&self, id: FileId, media_type: String) -> Result<bool, PortError> {
        self.database
            .writer
            .call(move |db| {
                db.prepare_cached("UPDATE files SET complete = 1, media_type = ?2 WHERE id = ?1 AND complete = 0")?
                    .execute(params![id.as_bytes(), media_type])
                    .map(|changed| changed > 0)
            })
            .await
    }

    async fn abandoned_files(&self, before: Timestamp, limit: usize) -> Result<Vec<FileRow>, PortError> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        self.database
            .read(move |db| {
                db.prepare_cached(&format!(
                    "SELECT {COLUMNS} FROM files WHERE complete = 0 AND created_at < ?1 LIMIT ?2"
                ))?
                .query_map(params![before.millis(), most], file)?
                .collect()
            })
            .await
    }

    async fn delete_file(&self, id: FileId) -> Result<(), PortError> {
        self.database
            .writer
            .call(move |db| {
                db.prepare_cached("DELETE FROM files WHERE id = ?1 AND complete = 0")?
                    .execute([id.as_bytes()])
                    .map(drop)
            })
            .await
    }
}
