use async_trait::async_trait;
use chat_core::{ConversationId, FileId, Timestamp, UserId};
use chat_ports::PortError;
use chat_ports::store::{FileRow, FileState, FileStore};
use futures_util::future::try_join;
use futures_util::{StreamExt as _, TryStreamExt as _};
use scylla::DeserializeRow;
use scylla::value::CqlTimestamp;
use uuid::Uuid;

use crate::CassandraStore;
use crate::connection::Connection;
use crate::failure::{corrupt, refused};
use crate::value::{have, set, time, timestamp};

const READS: usize = 32;
const MILLIS_A_DAY: i64 = 86_400_000;

#[derive(DeserializeRow)]
struct Stored {
    file_id: Uuid,
    owner: Option<Uuid>,
    conversation_id: Option<Uuid>,
    name: Option<String>,
    size: Option<i64>,
    media_type: Option<String>,
    sha256: Option<Vec<u8>>,
    complete: Option<bool>,
    part_size: Option<i64>,
    created_at: Option<CqlTimestamp>,
}

impl Stored {
    fn row(self) -> Result<FileRow, PortError> {
        let size = |value: Option<i64>, name| u64::try_from(have(value, name)?).map_err(corrupt);
        let sha256 = have(self.sha256, "sha256")?;
        Ok(FileRow {
            id: FileId::new(self.file_id),
            owner: UserId::new(have(self.owner, "owner")?),
            conversation: self.conversation_id.map(ConversationId::new),
            name: have(self.name, "name")?,
            size: size(self.size, "size")?,
            media_type: have(self.media_type, "media_type")?,
            sha256: sha256.try_into().map_err(|_| corrupt("a checksum has not 32 bytes"))?,
            state: if self.complete == Some(true) { FileState::Complete } else { FileState::Pending },
            part_size: size(self.part_size, "part_size")?,
            created_at: timestamp(have(self.created_at, "created_at")?),
        })
    }
}

fn day(at: Timestamp) -> i32 {
    i32::try_from(at.millis() / MILLIS_A_DAY).unwrap_or(i32::MAX)
}

async fn file(connection: &Connection, id: FileId) -> Result<Option<FileRow>, PortError> {
    let stored: Option<Stored> = connection.first(&connection.statements.file, (id.uuid(),)).await?;
    stored.map(Stored::row).transpose()
}

/// Takes a file off the list of pending ones. The list is checked against the files: one that stays does no harm.
async fn unlist(connection: &Connection, file: &FileRow) {
    let key = (day(file.created_at), time(file.created_at), file.id.uuid());
    if let Err(error) = connection.write(&connection.statements.drop_pending, key).await {
        tracing::debug!(file = %file.id, "stays listed as pending: {error}");
    }
}

#[async_trait]
impl FileStore for CassandraStore {
    async fn create_file(&self, new: FileRow) -> Result<(), PortError> {
        let connection = self.connection()?;
        let statements = &connection.statements;
        let size = |value: u64| i64::try_from(value).map_err(refused);
        let day = day(new.created_at);
        if new.state == FileState::Pending {
            // On the list first: a file that is not on it would never be cleaned up.
            let listed = (day, time(new.created_at), new.id.uuid());
            let day = connection.write(&statements.insert_pending_day, (day,));
            try_join(day, connection.write(&statements.insert_pending, listed)).await?;
        }
        let values = (
            new.id.uuid(),
            new.owner.uuid(),
            set(new.conversation.map(ConversationId::uuid)),
            new.name,
            size(new.size)?,
            new.media_type,
            new.sha256,
            new.state == FileState::Complete,
            size(new.part_size)?,
            time(new.created_at),
        );
        connection.settle(&statements.insert_file, values).await.map(drop)
    }

    async fn file(&self, id: FileId) -> Result<Option<FileRow>, PortError> {
        file(&*self.connection()?, id).await
    }

    async fn complete_file(&self, id: FileId, media_type: String) -> Result<bool, PortError> {
        let connection = self.connection()?;
        let outcome = connection.transaction(&connection.statements.complete_file, (media_type, id.uuid())).await?;
        if outcome.applied
            && let Some(row) = file(&connection, id).await?
        {
            unlist(&connection, &row).await;
        }
        Ok(outcome.applied)
    }

    async fn abandoned_files(&self, before: Timestamp, limit: usize) -> Result<Vec<FileRow>, PortError> {
        let connection = self.connection()?;
        let statements = &connection.statements;
        let mut days = Vec::new();
        let each = |(day,): (i32,)| {
            days.push(day);
            Ok(true)
        };
        connection.scan(&statements.pending_days, (day(before),), each).await?;
        let mut found = Vec::new();
        for day in days {
            if found.len() >= limit {
                break;
            }
            let mut listed = Vec::new();
            let each = |(_, id): (CqlTimestamp, Uuid)| {
                listed.push(FileId::new(id));
                Ok(true)
            };
            connection.scan(&statements.pending, (day, time(before)), each).await?;
            let rows = futures_util::stream::iter(listed)
                .map(async |id| file(&connection, id).await)
                .buffered(READS)
                .try_filter_map(async |row| Ok(row.filter(|row| row.state == FileState::Pending)));
            found.extend(rows.take(limit - found.len()).try_collect::<Vec<_>>().await?);
        }
        Ok(found)
    }

    async fn delete_file(&self, id: FileId) -> Result<(), PortError> {
        let connection = self.connection()?;
        let Some(row) = file(&connection, id).await?.filter(|row| row.state == FileState::Pending) else {
            return Ok(());
        };
        let outcome = connection.settle(&connection.statements.drop_file, (id.uuid(),)).await?;
        if outcome.applied {
            unlist(&connection, &row).await;
        }
        Ok(())
    }
}
