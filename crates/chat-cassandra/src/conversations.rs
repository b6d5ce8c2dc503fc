use async_trait::async_trait;
use chat_core::{ConversationId, ConversationKind, FileId, Member, Seq, Timestamp, UserId};
use chat_ports::PortError;
use chat_ports::store::{ConversationRow, ConversationStore, ListPosition, MembershipRow};
use futures_util::future::try_join3;
use scylla::DeserializeRow;
use scylla::value::CqlTimestamp;
use uuid::Uuid;

use crate::CassandraStore;
use crate::batch::Line;
use crate::connection::Connection;
use crate::failure::corrupt;
use crate::value::{ABOVE_ALL, conversation_kind, have, time, timestamp};
use crate::{members, memberships};

/// One write to what a conversation is.
pub enum Setting {
    Create {
        kind: ConversationKind,
        created_by: UserId,
        at: Timestamp,
        version: Seq,
    },
    /// Empty for none.
    Title {
        title: String,
        version: Seq,
    },
    Avatar {
        avatar: FileId,
        version: Seq,
    },
    Delete {
        version: Seq,
    },
}

impl Setting {
    fn line<'a>(&'a self, connection: &'a Connection, conversation: ConversationId) -> Line<'a> {
        let (statements, conv) = (&connection.statements, conversation.uuid());
        match self {
            // The lowest version wins.
            Self::Create { kind, created_by, at, version } => {
                let stamp = ABOVE_ALL - version.as_i64();
                Line {
                    statement: &statements.create_conversation,
                    values: Box::new((stamp, kind.as_str(), created_by.uuid(), time(*at), conv)),
                    bytes: 64,
                }
            }
            Self::Title { title, version } => Line {
                statement: &statements.set_title,
                values: Box::new((version.as_i64(), title.as_str(), conv)),
                bytes: title.len() + 32,
            },
            Self::Avatar { avatar, version } => Line {
                statement: &statements.set_conversation_avatar,
                values: Box::new((version.as_i64(), avatar.uuid(), conv)),
                bytes: 48,
            },
            Self::Delete { version } => Line {
                statement: &statements.delete_conversation,
                values: Box::new((version.as_i64(), conv)),
                bytes: 32,
            },
        }
    }
}

pub async fn write(
    connection: &Connection,
    conversation: ConversationId,
    settings: &[Setting],
) -> Result<(), PortError> {
    connection.write_lines(settings.iter().map(|setting| setting.line(connection, conversation)).collect()).await
}

/// What a conversation is, without how far it has come.
#[derive(DeserializeRow)]
struct Stored {
    kind: Option<String>,
    created_by: Option<Uuid>,
    created_at: Option<CqlTimestamp>,
    title: Option<String>,
    avatar: Option<Uuid>,
    deleted: Option<bool>,
}

#[derive(Debug, Clone, Copy)]
pub struct Head {
    pub last_seq: Seq,
    pub last_at: Timestamp,
}

pub async fn head(connection: &Connection, id: ConversationId) -> Result<Head, PortError> {
    let row: Option<(Option<i64>, Option<CqlTimestamp>)> =
        connection.first(&connection.statements.head, (id.uuid(),)).await?;
    let (seq, at) = row.unwrap_or_default();
    Ok(Head { last_seq: Seq::from_i64(seq.unwrap_or(0)), last_at: at.map(timestamp).unwrap_or_default() })
}

/// Is it there: created, and not deleted?
pub async fn lives(connection: &Connection, id: ConversationId) -> Result<bool, PortError> {
    Ok(stored(connection, id).await?.is_some())
}

async fn stored(connection: &Connection, id: ConversationId) -> Result<Option<Stored>, PortError> {
    let row: Option<Stored> = connection.first(&connection.statements.conversation, (id.uuid(),)).await?;
    Ok(row.filter(|row| row.kind.is_some() && row.deleted != Some(true)))
}

pub async fn conversation(connection: &Connection, id: ConversationId) -> Result<Option<ConversationRow>, PortError> {
    let parts = try_join3(stored(connection, id), head(connection, id), members::count(connection, id)).await?;
    let (Some(stored), head, member_count) = parts else { return Ok(None) };
    Ok(Some(ConversationRow {
        id,
        kind: conversation_kind(&have(stored.kind, "kind")?)?,
        title: stored.title.filter(|title| !title.is_empty()),
        avatar: stored.avatar.map(FileId::new),
        created_by: UserId::new(have(stored.created_by, "created_by")?),
        created_at: timestamp(have(stored.created_at, "created_at")?),
        last_seq: head.last_seq,
        last_at: head.last_at,
        member_count,
    }))
}

#[async_trait]
impl ConversationStore for CassandraStore {
    async fn reserve_direct(&self, a: UserId, b: UserId, id: ConversationId) -> Result<ConversationId, PortError> {
        let connection = self.connection()?;
        let values = (a.min(b).uuid(), a.max(b).uuid(), id.uuid());
        let outcome = connection.settle(&connection.statements.reserve_pair, values).await?;
        if outcome.applied {
            return Ok(id);
        }
        let there = outcome.id("conversation_id").ok_or_else(|| corrupt("a pair without a conversation"))?;
        Ok(ConversationId::new(there))
    }

    async fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRow>, PortError> {
        conversation(&*self.connection()?, id).await
    }

    async fn membership(&self, id: ConversationId, user: UserId) -> Result<Option<MembershipRow>, PortError> {
        memberships::one(&*self.connection()?, id, user).await
    }

    async fn memberships(
        &self,
        user: UserId,
        after: Option<ListPosition>,
        limit: usize,
    ) -> Result<Vec<MembershipRow>, PortError> {
        memberships::list(&*self.connection()?, user, after, limit).await
    }

    async fn conversation_ids(&self, user: UserId) -> Result<Vec<ConversationId>, PortError> {
        memberships::ids(&*self.connection()?, user).await
    }

    async fn members(&self, id: ConversationId, after: Option<UserId>, limit: usize) -> Result<Vec<Member>, PortError> {
        members::list(&*self.connection()?, id, after, limit).await
    }

    async fn owner_count(&self, id: ConversationId) -> Result<usize, PortError> {
        members::owners(&*self.connection()?, id).await
    }

    async fn set_preferences(
        &self,
        id: ConversationId,
        user: UserId,
        muted: Option<bool>,
        pinned: Option<bool>,
    ) -> Result<(), PortError> {
        let connection = self.connection()?;
        let (statements, key) = (&connection.statements, (user.uuid(), id.uuid()));
        let line = |statement, value| Line { statement, values: Box::new((value, key.0, key.1)), bytes: 40 };
        let muted = muted.map(|value| line(&statements.set_muted, value));
        let pinned = pinned.map(|value| line(&statements.set_pinned, value));
        connection.write_lines(muted.into_iter().chain(pinned).collect()).await
    }
}
