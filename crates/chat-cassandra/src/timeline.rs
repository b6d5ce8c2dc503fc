//! What changes rows of a timeline, and how it is written.

use std::collections::BTreeMap;

use chat_core::{ClientMsgId, ConversationId, Emoji, MessageId, MessageKind, Seq, Timestamp, UserId};
use chat_ports::PortError;
use futures_util::future::try_join_all;

use crate::batch::Line;
use crate::buckets::Mapping;
use crate::connection::Connection;
use crate::value::{ABOVE_ALL, set, time};

/// One write to a timeline. Bodies are JSON.
pub enum Change {
    Insert {
        seq: Seq,
        id: MessageId,
        author: UserId,
        client_msg_id: Option<ClientMsgId>,
        kind: MessageKind,
        body: String,
        at: Timestamp,
    },
    /// The row is superseded: it never shows, whatever else comes.
    Hide {
        seq: Seq,
    },
    Edit {
        target: Seq,
        body: String,
        at: Timestamp,
        version: Seq,
    },
    /// The text goes for good, also from edits that are still to come.
    Delete {
        target: Seq,
        version: Seq,
    },
    React {
        target: Seq,
        emoji: Emoji,
        user: UserId,
        present: bool,
        version: Seq,
    },
}

/// Of keys, ids and times beside a body.
const ROW_BYTES: usize = 96;

impl Change {
    pub fn position(&self) -> Seq {
        match self {
            Self::Insert { seq, .. } | Self::Hide { seq } => *seq,
            Self::Edit { target, .. } | Self::Delete { target, .. } | Self::React { target, .. } => *target,
        }
    }

    /// About how much it takes in the table.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Insert { body, .. } | Self::Edit { body, .. } => body.len() + ROW_BYTES,
            Self::Hide { .. } | Self::Delete { .. } | Self::React { .. } => ROW_BYTES,
        }
    }

    const fn is_reaction(&self) -> bool {
        matches!(self, Self::React { .. })
    }

    fn line<'a>(&'a self, connection: &'a Connection, conversation: ConversationId, bucket: i64) -> Line<'a> {
        let (statements, conv, bytes) = (&connection.statements, conversation.uuid(), self.bytes());
        match self {
            Self::Insert { seq, id, author, client_msg_id, kind, body, at } => Line {
                statement: &statements.insert_message,
                values: Box::new((
                    conv,
                    bucket,
                    seq.as_i64(),
                    id.uuid(),
                    author.uuid(),
                    set(client_msg_id.map(ClientMsgId::uuid)),
                    kind.as_str(),
                    body.as_str(),
                    time(*at),
                    seq.as_i64(),
                )),
                bytes,
            },
            Self::Hide { seq } => Line {
                statement: &statements.hide_message,
                values: Box::new((ABOVE_ALL + seq.as_i64(), conv, bucket, seq.as_i64())),
                bytes,
            },
            Self::Edit { target, body, at, version } => Line {
                statement: &statements.edit_message,
                values: Box::new((version.as_i64(), body.as_str(), time(*at), conv, bucket, target.as_i64())),
                bytes,
            },
            Self::Delete { target, version } => Line {
                statement: &statements.delete_message,
                values: Box::new((ABOVE_ALL + version.as_i64(), conv, bucket, target.as_i64())),
                bytes,
            },
            Self::React { target, emoji, user, present, version } => {
                let (target, version) = (target.as_i64(), version.as_i64());
                let key = (conv, bucket, target, emoji.as_str(), user.uuid());
                Line {
                    statement: &statements.set_reaction,
                    values: Box::new((version, *present, version, key.0, key.1, key.2, key.3, key.4)),
                    bytes,
                }
            }
        }
    }
}

/// Writes changes to where `mapping` has their positions.
pub async fn write<'a>(
    connection: &Connection,
    conversation: ConversationId,
    mapping: &Mapping,
    changes: impl Iterator<Item = &'a Change>,
) -> Result<(), PortError> {
    let mut partitions: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for change in changes {
        let bucket = mapping.of(change.position());
        let line = change.line(connection, conversation, bucket);
        partitions.entry((bucket, change.is_reaction())).or_default().push(line);
    }
    try_join_all(partitions.into_values().map(|lines| connection.write_lines(lines))).await.map(drop)
}
