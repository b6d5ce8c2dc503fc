//! History: the store's page with what only the tail has yet.

use std::sync::Arc;
use std::time::Duration;

use chat_core::{ConversationId, Epoch, Event, MessageKind, ReadCursor, Seq, UserId};
use chat_ports::PortError;
use chat_ports::store::{MessageRow, Mutation, Position, RowPage, Unread};
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

/// Rows kept in memory for pages that many read.
const CACHED_ROWS: u64 = 20_000;
const CACHED_FOR: Duration = Duration::from_secs(10);

/// Pages of the store. Equal ones stay equal: nothing changes below `persisted` in one life of a tail but what the tail
/// has too.
pub type Pages = moka::future::Cache<PageKey, Arc<RowPage>>;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageKey {
    conversation: ConversationId,
    position: Position,
    limit: usize,
    life: Epoch,
    persisted: Seq,
}

pub fn pages() -> Pages {
    let weight = |_: &PageKey, page: &Arc<RowPage>| u32::try_from(page.rows.len() + 1).unwrap_or(u32::MAX);
    moka::future::Cache::builder().weigher(weight).max_capacity(CACHED_ROWS).time_to_live(CACHED_FOR).build()
}

/// What the store may not have yet.
struct Fresh {
    /// Of the tail: with it a page of the store can be told from a later one. `None`: the tail does not answer.
    life: Option<Epoch>,
    persisted: Seq,
    mutations: Vec<Mutation>,
}

impl Chat {
    /// Read *before* the store: whatever was persisted and trimmed in between is then in the store's answer.
    async fn fresh(&self, conversation: ConversationId) -> Fresh {
        let tail = &self.backends.tail;
        let read = async {
            let head = tail.head(conversation).await?;
            let mutations = self.events_after(conversation, head.persisted).await?;
            Ok::<_, PortError>(Fresh { life: Some(head.epoch), persisted: head.persisted, mutations })
        };
        read.await.unwrap_or_else(|error| {
            tracing::debug!(%conversation, %error, "history may lack the newest messages: the tail does not answer");
            Fresh { life: None, persisted: Seq::MAX, mutations: Vec::new() }
        })
    }

    async fn events_after(&self, conversation: ConversationId, after: Seq) -> Result<Vec<Mutation>, PortError> {
        let events = self.backends.tail.newer_than(conversation, after).await?;
        let records = events.iter().filter_map(|event| decode(&event.event));
        Ok(records.flat_map(|(record, seq)| project(&record, seq)).collect())
    }

    /// A page of the store, merged with the tail. Without the store it is what the tail has, without the tail it may lack
    /// the newest: both are `degraded`.
    pub async fn page(&self, access: &Access, position: Position, limit: usize) -> Result<MessagePage, Failure> {
        let conversation = access.conversation().id;
        let fresh = self.fresh(conversation).await;
        let stored = self.stored_page(conversation, position, limit, &fresh).await;
        let (mut page, mutations, degraded) = match stored {
            Ok(page) => (page, fresh.mutations, fresh.life.is_none()),
            Err(error) if error.retryable() && fresh.life.is_some() => {
                let all = self.events_after(conversation, Seq::ZERO).await?;
                (RowPage { rows: Vec::new(), has_more: false }, all, true)
            }
            Err(error) => return Err(error.into()),
        };
        let in_range = |seq: Seq| match position {
            Position::Newest | Position::Around(_) => true,
            Position::Before(before) => seq < before,
            Position::After(after) => seq > after,
        };
        let mutations = mutations.into_iter().filter(|mutation| match mutation {
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
        Ok(MessagePage { items, has_more, degraded })
    }

    /// The store's page, from memory if it was read when the same was persisted: a thousand readers of one page are one
    /// query. Whoever comes here has an [`Access`].
    async fn stored_page(
        &self,
        conversation: ConversationId,
        position: Position,
        limit: usize,
        fresh: &Fresh,
    ) -> Result<RowPage, PortError> {
        let store = &self.backends.store;
        let Some(life) = fresh.life.clone() else { return store.page(conversation, position, limit).await };
        let key = PageKey { conversation, position, limit, life, persisted: fresh.persisted };
        let read = async { store.page(conversation, position, limit).await.map(Arc::new) };
        match self.pages.try_get_with(key, read).await {
            Ok(page) => Ok(RowPage::clone(&page)),
            Err(error) => Err(PortError::clone(&error)),
        }
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
        let mut counts = match self.backends.store.unread(conversation, access.user, after, fresh.persisted).await {
            // What the tail has is better than nothing.
            Err(error) if error.retryable() && fresh.life.is_some() => Unread::default(),
            counts => counts?,
        };
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
