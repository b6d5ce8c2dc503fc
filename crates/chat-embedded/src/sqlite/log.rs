use std::sync::Arc;

use async_trait::async_trait;
use chat_core::{ClientMsgId, ConversationId, Seq, Timestamp, UserId};
use chat_ports::{CursorUpdate, MessageLog, PortError};
use chat_projector::project;
use chat_wire::LogRecord;
use rusqlite::{Connection, OptionalExtension as _};

use super::apply::apply;
use super::database::Database;
use super::failure::BACKEND;

/// [`MessageLog`] over SQLite: a record, and what it does to the store, in one durable transaction.
pub struct SqliteLog {
    database: Arc<Database>,
}

impl SqliteLog {
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }

    /// Applies the whole log again. The tables come out the same: for tests, and for whoever doubts it.
    pub async fn replay(&self) -> Result<u64, PortError> {
        self.database
            .writer
            .call(|db| {
                let mut count = 0;
                let mut records = db.prepare("SELECT pos, record FROM log ORDER BY pos")?;
                let mut rows = records.query([])?;
                while let Some(row) = rows.next()? {
                    let seq = Seq::from_i64(row.get(0)?);
                    match LogRecord::decode(row.get_ref(1)?.as_blob()?) {
                        Ok(record) => project(&record, seq).iter().try_for_each(|mutation| apply(db, mutation))?,
                        Err(error) => tracing::error!(%seq, %error, "a record of the log is not readable"),
                    }
                    count += 1;
                }
                Ok(count)
            })
            .await
    }
}

fn append(db: &Connection, record: &LogRecord, encoded: &[u8]) -> rusqlite::Result<Seq> {
    db.prepare_cached("INSERT INTO log (record) VALUES (?1)")?.execute([encoded])?;
    let seq = Seq::from_i64(db.last_insert_rowid());
    for mutation in project(record, seq) {
        apply(db, &mutation)?;
    }
    Ok(seq)
}

#[async_trait]
impl MessageLog for SqliteLog {
    async fn append(&self, record: LogRecord) -> Result<Seq, PortError> {
        let encoded = record.encode();
        self.database.writer.call(move |db| append(db, &record, &encoded)).await
    }

    async fn append_batch(&self, records: Vec<LogRecord>) -> Result<Vec<Seq>, PortError> {
        let encoded: Vec<_> = records.iter().map(LogRecord::encode).collect();
        let append_all = move |db: &Connection| {
            records.iter().zip(&encoded).map(|(record, encoded)| append(db, record, encoded)).collect()
        };
        self.database.writer.call(append_all).await
    }

    async fn append_cursors(&self, updates: Vec<CursorUpdate>) -> Result<(), PortError> {
        let put = move |db: &Connection| {
            updates.iter().try_for_each(|u| super::messages::put_cursor(db, u.conversation, u.user, u.cursor))
        };
        self.database.writer.call(put).await
    }

    /// The log's own transaction entered the claim.
    async fn sent_since(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        _: Timestamp,
    ) -> Result<Option<(Seq, LogRecord)>, PortError> {
        let found: Option<(i64, Vec<u8>)> = self.database.point(move |db| {
            db.prepare_cached(
                "SELECT pos, record FROM log WHERE pos = \
                 (SELECT seq FROM message_claims WHERE conv = ?1 AND author = ?2 AND client_msg_id = ?3)",
            )?
            .query_row([conversation.as_bytes(), user.as_bytes(), id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
        })?;
        let Some((pos, record)) = found else { return Ok(None) };
        match LogRecord::decode(&record) {
            Ok(record) => Ok(Some((Seq::from_i64(pos), record))),
            Err(error) => Err(PortError::Corrupt { backend: BACKEND, detail: error.to_string() }),
        }
    }

    async fn check(&self) -> Result<(), PortError> {
        let writing = self.database.writer.call(|_| Ok(()));
        match tokio::time::timeout(std::time::Duration::from_secs(2), writing).await {
            Ok(result) => result,
            Err(_) => Err(PortError::unavailable(BACKEND, "a write takes more than 2 s")),
        }
    }
}
