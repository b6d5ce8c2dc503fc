use std::sync::Arc;

use chat_core::{ConversationId, ConversationKind, Member, Rev, Seq, UserId};
use chat_ports::TailHead;
use chat_ports::store::{ListPosition, MembershipRow, Position, UserRow};
use chat_wire::rest::{Conversation, Page, User};
use chat_wire::{decode_cursor, encode_cursor};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::{Deserialize, Serialize};

use super::RECEIPT_MEMBERS;
use super::access::{Access, Chat};
use crate::Failure;

/// Somebody as others see them.
pub fn profile(row: UserRow) -> User {
    User {
        id: row.id,
        username: row.username,
        display_name: row.display_name,
        avatar: row.avatar,
        status_text: row.status_text,
        last_seen: row.last_seen.filter(|_| row.last_seen_visible),
    }
}

/// Conversations of a list that are looked up at the same time.
const SUMMARIES_AT_ONCE: usize = 16;

/// Where a conversation stands while the tail does not answer.
fn no_head(last_seq: Seq) -> TailHead {
    let epoch = match "none".parse() {
        Ok(epoch) => epoch,
        Err(error) => unreachable!("four letters are an epoch: {error}"),
    };
    TailHead { epoch, rev: Rev::ZERO, last_seq, persisted: last_seq }
}

#[derive(Serialize, Deserialize)]
struct ListCursor(bool, Seq, ConversationId);

impl Chat {
    pub async fn conversation(&self, access: &Access, with_members: bool) -> Result<Conversation, Failure> {
        let most = usize::try_from(RECEIPT_MEMBERS).unwrap_or(usize::MAX);
        let members = if with_members && access.conversation().member_count <= RECEIPT_MEMBERS {
            Some(self.backends.store.members(access.conversation().id, None, most).await?)
        } else {
            None
        };
        self.summary(access, members).await
    }

    async fn summary(&self, access: &Access, members: Option<Vec<Member>>) -> Result<Conversation, Failure> {
        let row = access.conversation();
        let head = match self.backends.tail.head(row.id).await {
            Ok(head) => head,
            // No client can resume from there: it refetches when the tail is back.
            Err(error) if error.retryable() => no_head(row.last_seq),
            Err(error) => return Err(error.into()),
        };
        let read = match self.backends.tail.cursor(row.id, access.user).await {
            Err(error) if error.retryable() => self.backends.store.cursor(row.id, access.user).await?,
            cursor => cursor?,
        };
        let read = read.read;
        let unread = self.unread(access, read).await?;
        let last = self.page(access, Position::Newest, 1).await?.items.pop();
        let peer = match row.kind {
            ConversationKind::Direct => self.peer(access).await?,
            ConversationKind::Group => None,
        };
        Ok(Conversation {
            id: row.id,
            kind: row.kind,
            title: row.title.clone(),
            avatar: row.avatar,
            created_by: row.created_by,
            created_at: row.created_at,
            member_count: row.member_count,
            my_role: access.role(),
            members,
            peer,
            epoch: head.epoch,
            rev: head.rev,
            last_seq: head.last_seq.max(row.last_seq),
            read_seq: read,
            unread: unread.unread,
            mentions: unread.mentions,
            muted: access.row.muted,
            pinned: access.row.pinned,
            last_message: last,
        })
    }

    async fn peer(&self, access: &Access) -> Result<Option<User>, Failure> {
        let members = self.backends.store.members(access.conversation().id, None, 2).await?;
        let other = members.iter().map(|m| m.user).find(|user| *user != access.user).unwrap_or(access.user);
        Ok(self.profiles(&[other]).await?.pop())
    }

    /// People as others see them.
    pub async fn profiles(&self, ids: &[UserId]) -> Result<Vec<User>, Failure> {
        let rows = self.backends.store.users(ids).await?;
        Ok(rows.into_iter().map(profile).collect())
    }

    pub async fn list(
        self: &Arc<Self>,
        user: UserId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Conversation>, Failure> {
        let after = match cursor {
            Some(text) => {
                let ListCursor(pinned, last_seq, id) =
                    decode_cursor(text).map_err(|bad| Failure::invalid("cursor", bad.to_string()))?;
                Some(ListPosition { pinned, last_seq, id })
            }
            None => None,
        };
        let mut rows = self.backends.store.memberships(user, after, limit + 1).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row: &MembershipRow| {
            encode_cursor(&ListCursor(row.pinned, row.conversation.last_seq, row.conversation.id))
        });
        let summaries = rows.into_iter().map(|row| {
            let chat = Arc::clone(self);
            async move { chat.summary(&Access { user, row }, None).await }
        });
        let summaries: Vec<_> = summaries.collect();
        let items = stream::iter(summaries).buffered(SUMMARIES_AT_ONCE).try_collect().await?;
        Ok(Page { items, next })
    }
}
