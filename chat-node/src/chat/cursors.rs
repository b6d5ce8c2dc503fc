use chat_core::{ConversationId, ReadCursor, Seq, UserId};
use chat_ports::CursorUpdate;
use chat_wire::ServerFrame;
use chat_wire::rest::Cursor;

use super::RECEIPT_MEMBERS;
use super::access::{Access, Chat};
use crate::Failure;

impl Chat {
    /// Moves the user's cursor forward and tells who may see it. Nothing happens when it was there already.
    pub async fn advance_cursor(
        &self,
        user: UserId,
        conversation: ConversationId,
        to: ReadCursor,
    ) -> Result<(), Failure> {
        let row = self.backends.store.conversation(conversation).await;
        // A tail that was lost knows of less than the store.
        let stored = row.as_ref().ok().and_then(|row| row.as_ref().map(|row| row.last_seq)).unwrap_or_default();
        let last = self.backends.tail.head(conversation).await?.last_seq.max(stored);
        // A cursor beyond the end would hide what is yet to come.
        let to = ReadCursor { read: to.read.min(last), delivered: to.delivered.min(last) };
        let Some(now) = self.backends.tail.advance_cursor(conversation, user, to).await? else { return Ok(()) };
        self.backends.log.append_cursors(vec![CursorUpdate { conversation, user, cursor: now }]).await?;
        let frame = ServerFrame::Receipt {
            conversation,
            user,
            read: (now.read > Seq::ZERO && to.read == now.read).then_some(now.read),
            delivered: Some(now.delivered),
        };
        if row.is_ok_and(|row| row.is_some_and(|row| row.member_count <= RECEIPT_MEMBERS)) {
            self.delivery.to_conversation(conversation, &frame, None).await;
        } else {
            let (nodes, _) = self.backends.directory.whereabouts(user).await?;
            self.delivery.to_user(user, &nodes, &frame).await;
        }
        Ok(())
    }

    pub async fn cursors(&self, access: &Access) -> Result<Vec<Cursor>, Failure> {
        if access.conversation().member_count > RECEIPT_MEMBERS {
            return Ok(Vec::new());
        }
        let cursors = self.member_cursors(access).await?;
        Ok(cursors.into_iter().map(|(user, c)| Cursor { user, read: c.read, delivered: c.delivered }).collect())
    }

    /// Only of those who are members now.
    pub(super) async fn member_cursors(&self, access: &Access) -> Result<Vec<(UserId, ReadCursor)>, Failure> {
        let (store, conversation) = (&self.backends.store, access.conversation().id);
        let most = usize::try_from(RECEIPT_MEMBERS).unwrap_or(usize::MAX);
        let members = store.members(conversation, None, most).await?;
        let mut cursors = store.cursors(conversation, most * 4).await?;
        cursors.retain(|(user, _)| members.iter().any(|member| member.user == *user));
        Ok(cursors)
    }
}
