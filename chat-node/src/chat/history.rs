//! History: the store's page with what only the tail has yet.

use chat_core::{ConversationId, Event, MessageKind, ReadCursor, Seq, UserId};
use chat_ports::store::{MessageRow, Mutation, Position, Unread};
use chat_projector::{overlay, project};
use chat_wire::LogRecord;
use chat_wire::rest::{Message, MessagePage, Reaction, Receipt, ReceiptState};

use super::RECEIPT_MEMBERS;
use super::access::{Access, Chat};
use crate::Failure;

/// How many users a reaction names.
const REACTION_USERS: usize = 20;
/// Counts stop here: "99+".
pub const COUNT_CAP: u64 = 100;

/// What the store may not have yet.
struct Fresh {
    persisted: Seq,
    mutations: Vec<Mutation>,
}

impl Chat {
    /// Read *before* the store: whatever was persisted and trimmed in between is then in the store's answer.
    async fn fresh(&self, conversation: ConversationId) -> Fresh {
        match self.try_fresh(conversation).await {
            Ok(fresh) => fresh,
            Err(error) => {
                tracing::warn!(%conversation, %error, "the tail does not answer: history may lack the newest messages");
                Fresh { persisted: Seq::MAX, mutations: Vec::new() }
            }
        }
    }

    async fn try_fresh(&self, conversation: ConversationId) -> Result<Fresh, chat_ports::PortError> {
        let tail = &self.backends.tail;
        let persisted = tail.head(conversation).await?.persisted;
        let events = tail.newer_than(conversation, persisted).await?;
        let mutations = events
            .iter()
            .filter_map(|event| decode(&event.event))
            .flat_map(|(record, seq)| project(&record, seq))
            .collect();
        Ok(Fresh { persisted, mutations })
    }

    pub async fn page(&self, access: &Access, position: Position, limit: usize) -> Result<MessagePage, Failure> {
        let conversation = access.conversation().id;
        let fresh = self.fresh(conversation).await;
        let mut page = self.backends.store.page(conversation, position, limit).await?;
        let in_range = |seq: Seq| match position {
            Position::Newest | Position::Around(_) => true,
            Position::Before(before) => seq < before,
            Position::After(after) => seq > after,
        };
        let mutations = fresh.mutations.into_iter().filter(|mutation| match mutation {
            Mutation::InsertMessage { seq, .. } => in_range(*seq),
            _ => true,
        });
        overlay(&mut page.rows, &mutations.collect::<Vec<_>>());
        let mut has_more = page.has_more;
        if page.rows.len() > limit {
            has_more = true;
            match position {
                Position::Newest | Position::Before(_) => {
                    page.rows.drain(..page.rows.len() - limit);
                }
                Position::After(_) | Position::Around(_) => page.rows.truncate(limit),
            }
        }
        let items = page.rows.into_iter().map(|row| message(row, access.user)).collect();
        Ok(MessagePage { items, has_more, degraded: false })
    }

    pub async fn row(&self, conversation: ConversationId, seq: Seq) -> Result<Option<MessageRow>, Failure> {
        let fresh = self.fresh(conversation).await;
        let mut rows: Vec<_> = self.backends.store.message(conversation, seq).await?.into_iter().collect();
        let touching: Vec<_> = fresh.mutations.into_iter().filter(|mutation| touches(mutation, seq)).collect();
        overlay(&mut rows, &touching);
        Ok(rows.into_iter().find(|row| row.seq == seq))
    }

    pub async fn message(&self, access: &Access, seq: Seq) -> Result<Message, Failure> {
        let row = self.row(access.conversation().id, seq).await?;
        row.map(|row| message(row, access.user)).ok_or_else(|| Failure::not_found("message"))
    }

    /// Unread messages and mentions after `read`, each at most [`COUNT_CAP`].
    pub async fn unread(&self, access: &Access, read: Seq) -> Result<Unread, Failure> {
        let conversation = access.conversation().id;
        let after = read.max(access.row.joined_seq);
        let fresh = self.fresh(conversation).await;
        let mut counts = self.backends.store.unread(conversation, access.user, after, fresh.persisted).await?;
        for mutation in &fresh.mutations {
            if let Mutation::InsertMessage { seq, author, kind: MessageKind::Message, body, .. } = mutation
                && *seq > after
                && *author != access.user
            {
                counts.unread += 1;
                counts.mentions += u64::from(body.mentions.contains(&access.user));
            }
        }
        Ok(Unread { unread: counts.unread.min(COUNT_CAP), mentions: counts.mentions.min(COUNT_CAP) })
    }

    /// Who has a message, and who has read it. Empty in large groups.
    pub async fn receipts(&self, access: &Access, seq: Seq) -> Result<Vec<Receipt>, Failure> {
        let conversation = access.conversation();
        let author = self.message(access, seq).await?.author;
        if conversation.member_count > RECEIPT_MEMBERS {
            return Ok(Vec::new());
        }
        let cursors = self.member_cursors(access).await?;
        let state = |cursor: ReadCursor| match cursor {
            ReadCursor { read, .. } if read >= seq => Some(ReceiptState::Read),
            ReadCursor { delivered, .. } if delivered >= seq => Some(ReceiptState::Delivered),
            _ => None,
        };
        let others = cursors.into_iter().filter(|(user, _)| *user != author);
        Ok(others.filter_map(|(user, cursor)| state(cursor).map(|state| Receipt { user, state })).collect())
    }
}

fn decode(json: &[u8]) -> Option<(LogRecord, Seq)> {
    let Event { conversation, seq, at, actor, client_msg_id, body } = match serde_json::from_slice(json) {
        Ok(event) => event,
        Err(error) => {
            tracing::error!(%error, "an event in the tail is not readable: it is left out");
            return None;
        }
    };
    Some((LogRecord { conversation, at, actor, client_msg_id, body }, seq))
}

fn touches(mutation: &Mutation, seq: Seq) -> bool {
    match mutation {
        Mutation::InsertMessage { seq: at, .. } => *at == seq,
        Mutation::EditMessage { target, .. }
        | Mutation::DeleteMessage { target, .. }
        | Mutation::SetReaction { target, .. } => *target == seq,
        _ => false,
    }
}

/// A row as `viewer` sees it.
pub fn message(row: MessageRow, viewer: UserId) -> Message {
    let mut reactions: Vec<Reaction> = Vec::new();
    for (emoji, user) in row.reactions {
        let at = reactions.iter().position(|reaction| reaction.emoji == emoji).unwrap_or_else(|| {
            reactions.push(Reaction { emoji, count: 0, users: Vec::new(), mine: false });
            reactions.len() - 1
        });
        let reaction = &mut reactions[at];
        reaction.count += 1;
        reaction.mine |= user == viewer;
        if reaction.users.len() < REACTION_USERS {
            reaction.users.push(user);
        }
    }
    Message {
        seq: row.seq,
        id: row.id,
        client_msg_id: row.client_msg_id,
        author: row.author,
        kind: row.kind,
        body: row.body,
        at: row.at,
        edited_at: row.edited_at,
        deleted: row.deleted,
        reactions,
    }
}
