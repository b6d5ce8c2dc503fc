use async_trait::async_trait;
use chat_core::{ClientMsgId, ConversationId, ReadCursor, Seq, Timestamp, UserId};
use chat_ports::PortError;
use chat_ports::store::{MessageRow, MessageStore, Mutation, Position, RowPage, Unread};
use uuid::Uuid;

use crate::CassandraStore;
use crate::batch::Line;
use crate::failure::BACKEND;
use crate::pages::PageKey;
use crate::store::right_version;
use crate::value::limit as cql_limit;
use crate::{apply, claims, pages, unread};

fn cursor(read: Option<i64>, delivered: Option<i64>) -> ReadCursor {
    let seq = |value: Option<i64>| Seq::from_i64(value.unwrap_or(0));
    ReadCursor { read: seq(read), delivered: seq(delivered).max(seq(read)) }
}

#[async_trait]
impl MessageStore for CassandraStore {
    async fn apply(&self, mutations: Vec<Mutation>) -> Result<(), PortError> {
        apply::apply(&*self.connection()?, mutations).await
    }

    async fn page(&self, conversation: ConversationId, position: Position, limit: usize) -> Result<RowPage, PortError> {
        let connection = self.connection()?;
        let key = PageKey::new(conversation, position, limit);
        connection.pages.share(key, pages::page(&connection, conversation, position, limit)).await
    }

    async fn message(&self, conversation: ConversationId, seq: Seq) -> Result<Option<MessageRow>, PortError> {
        pages::message(&*self.connection()?, conversation, seq).await
    }

    async fn unread(
        &self,
        conversation: ConversationId,
        user: UserId,
        after: Seq,
        up_to: Seq,
    ) -> Result<Unread, PortError> {
        unread::unread(&*self.connection()?, conversation, user, after, up_to).await
    }

    async fn put_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        cursor: ReadCursor,
    ) -> Result<(), PortError> {
        let connection = self.connection()?;
        let line = |statement, seq: Seq| Line {
            statement,
            values: Box::new((seq.as_i64(), seq.as_i64(), conversation.uuid(), user.uuid())),
            bytes: 48,
        };
        let (read, delivered) = (cursor.read, cursor.delivered.max(cursor.read));
        let mut lines = Vec::new();
        if read > Seq::ZERO {
            lines.push(line(&connection.statements.set_read, read));
        }
        if delivered > Seq::ZERO {
            lines.push(line(&connection.statements.set_delivered, delivered));
        }
        connection.write_lines(lines).await
    }

    async fn cursors(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<(UserId, ReadCursor)>, PortError> {
        type Row = (Uuid, Option<i64>, Option<i64>);
        let connection = self.connection()?;
        let key = (conversation.uuid(), cql_limit(limit));
        let rows: Vec<Row> = connection.all(&connection.statements.cursors, key).await?;
        Ok(rows.into_iter().map(|(user, read, delivered)| (UserId::new(user), cursor(read, delivered))).collect())
    }

    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError> {
        let connection = self.connection()?;
        let key = (conversation.uuid(), user.uuid());
        let row: Option<(Option<i64>, Option<i64>)> = connection.first(&connection.statements.cursor, key).await?;
        Ok(row.map(|(read, delivered)| cursor(read, delivered)).unwrap_or_default())
    }

    async fn check(&self) -> Result<(), PortError> {
        let connection = self.connection()?;
        let version: Option<(Option<i32>,)> = connection.first(&connection.statements.schema_version, ()).await?;
        right_version(version.and_then(|(version,)| version).unwrap_or(0))
            .map_err(|detail| PortError::unavailable(BACKEND, format_args!("{}: {detail}", connection.addresses)))
    }

    async fn claimed(
        &self,
        conversation: ConversationId,
        author: UserId,
        client_msg_id: ClientMsgId,
    ) -> Result<Option<(Seq, Timestamp)>, PortError> {
        claims::claimed(&*self.connection()?, conversation, author, client_msg_id).await
    }
}
