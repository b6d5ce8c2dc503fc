//! From what a client asks to a draft: limits, permissions, and what the draft refers to.

use std::sync::Arc;

use chat_core::{
    Action, Attachment, ClientMsgId, ConversationId, Emoji, EventBody, MessageBody, MessageId, MessageKind, Seq,
    TextLimits, UserId,
};
use chat_ports::RateDecision;
use chat_ports::store::MessageRow;
use chat_wire::{ErrorCode, SendBody};

use super::access::{Access, Chat};
use super::post::{Draft, Submitted};
use crate::Failure;

impl Chat {
    /// Takes one from the user's quota of sends.
    pub async fn take_send(&self, user: UserId) -> Result<(), Failure> {
        let Some(quota) = self.limits.sends_per_user.get() else { return Ok(()) };
        match self.backends.directory.take(&format!("send:{user}"), quota, self.now()).await? {
            RateDecision::Allowed => Ok(()),
            RateDecision::Wait { retry_after_ms } => Err(Failure::rate_limited(retry_after_ms)),
        }
    }

    pub fn text_limits(&self) -> TextLimits {
        let text_chars = self.limits.text_chars.get().and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
        TextLimits { text_chars, ..TextLimits::default() }
    }

    /// A new message; its attachments were looked up, and the membership checked, by the caller.
    async fn draft_message(
        &self,
        user: UserId,
        conversation: ConversationId,
        id: ClientMsgId,
        body: SendBody,
        attachments: Vec<Attachment>,
    ) -> Result<Draft, Failure> {
        self.text_limits().check(body.text.as_deref(), attachments.len(), body.mentions.len())?;
        if let Some(target) = body.reply_to {
            self.target(conversation, target)
                .await
                .map_err(|_| Failure::invalid("reply_to", "is not a message here"))?;
        }
        let body = EventBody::Message { id: MessageId::new(Self::new_id()), body: message_body(body, attachments) };
        Ok(Draft { conversation, actor: user, client_msg_id: Some(id), body })
    }

    pub async fn draft_edit(
        &self,
        access: &Access,
        id: ClientMsgId,
        target: Seq,
        body: SendBody,
        attachments: Vec<Attachment>,
    ) -> Result<Draft, Failure> {
        self.text_limits().check(body.text.as_deref(), attachments.len(), body.mentions.len())?;
        let row = self.target(access.conversation().id, target).await?;
        if row.author != access.user {
            return Err(Failure::forbidden("only its author may edit a message"));
        }
        if row.kind != MessageKind::Message || row.deleted {
            return Err(Failure::new(ErrorCode::Conflict, "this message can no longer be edited"));
        }
        Ok(Self::draft(access, id, EventBody::Edited { target, body: message_body(body, attachments) }))
    }

    pub async fn draft_delete(&self, access: &Access, id: ClientMsgId, target: Seq) -> Result<Draft, Failure> {
        let row = self.target(access.conversation().id, target).await?;
        if row.kind != MessageKind::Message {
            return Err(Failure::forbidden("this row cannot be deleted"));
        }
        if row.author != access.user {
            access.require(Action::DeleteOthersMessage)?;
        }
        Ok(Self::draft(access, id, EventBody::Deleted { target }))
    }

    pub async fn draft_reaction(
        &self,
        access: &Access,
        id: ClientMsgId,
        target: Seq,
        emoji: Emoji,
        add: bool,
    ) -> Result<Draft, Failure> {
        let row = self.target(access.conversation().id, target).await?;
        if row.kind != MessageKind::Message || row.deleted {
            return Err(Failure::new(ErrorCode::Conflict, "this message takes no reactions"));
        }
        let body =
            if add { EventBody::ReactionAdded { target, emoji } } else { EventBody::ReactionRemoved { target, emoji } };
        Ok(Self::draft(access, id, body))
    }

    fn draft(access: &Access, id: ClientMsgId, body: EventBody) -> Draft {
        Draft { conversation: access.conversation().id, actor: access.user, client_msg_id: Some(id), body }
    }

    async fn target(&self, conversation: ConversationId, seq: Seq) -> Result<MessageRow, Failure> {
        self.row(conversation, seq).await?.ok_or_else(|| Failure::not_found("message"))
    }

    /// Drafts and begins to append a message: the one way of a `send`, by frame and by REST. The caller has checked that
    /// the user is a member.
    pub async fn send(
        self: &Arc<Self>,
        user: UserId,
        conversation: ConversationId,
        id: ClientMsgId,
        body: SendBody,
        attachments: Vec<Attachment>,
    ) -> Result<Submitted, Failure> {
        let draft = self.draft_message(user, conversation, id, body, attachments).await?;
        self.submit(draft).await
    }
}

fn message_body(body: SendBody, attachments: Vec<Attachment>) -> MessageBody {
    let SendBody { text, attachments: _, reply_to, mut mentions } = body;
    mentions.sort_unstable();
    mentions.dedup();
    MessageBody {
        text: text.filter(|text| !text.is_empty()),
        attachments,
        reply_to,
        mentions,
        ..MessageBody::default()
    }
}
