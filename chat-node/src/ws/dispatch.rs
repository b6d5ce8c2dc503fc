//! What each client frame does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use chat_core::{ClientMsgId, ConversationId, ReadCursor, Seq};
use chat_wire::{ClientFrame, ErrorCode, SendBody, ServerFrame, close_code};
use serde::Deserialize;

use super::depth::too_deep;
use super::session::refuse;
use crate::chat::Submitted;
use crate::live::{Closing, Connection, Hub};
use crate::{Failure, Node, files};

/// Unreadable frames, or refusals for the rate in a row, before the connection ends.
const PATIENCE: u32 = 10;
const RATE_PATIENCE: u32 = 100;

/// Handles one text frame. `Some`: the connection ends.
pub async fn frame(node: &Arc<Node>, connection: &Arc<Connection>, text: &str) -> Option<Closing> {
    let begin = Instant::now();
    if too_deep(text) {
        return bad_frame(node, connection, "the frame is nested too deeply");
    }
    let frame = match serde_json::from_str::<ClientFrame>(text) {
        Ok(frame) => frame,
        Err(error) => return unreadable(node, connection, text, &error),
    };
    let (conversation, id) = subject(&frame);
    match handle(node, connection, frame, begin).await {
        Ok(None) => None,
        Ok(Some(closing)) => Some(closing),
        Err(failure) => {
            if id.is_some() {
                node.counters.sends.ended(begin, Err(failure.code));
            }
            refuse(node, connection, failure.frame(conversation, id));
            if failure.code == ErrorCode::RateLimited {
                let count = connection.refusals.fetch_add(1, Ordering::Relaxed) + 1;
                return (count >= RATE_PATIENCE)
                    .then_some(Closing { code: close_code::RATE_LIMITED, reason: "rate limited for too long" });
            }
            None
        }
    }
}

fn subject(frame: &ClientFrame) -> (Option<ConversationId>, Option<ClientMsgId>) {
    match frame {
        ClientFrame::Send { conversation, client_msg_id, .. }
        | ClientFrame::Edit { conversation, client_msg_id, .. }
        | ClientFrame::Delete { conversation, client_msg_id, .. }
        | ClientFrame::React { conversation, client_msg_id, .. }
        | ClientFrame::Unreact { conversation, client_msg_id, .. } => (Some(*conversation), Some(*client_msg_id)),
        ClientFrame::Read { conversation, .. }
        | ClientFrame::Delivered { conversation, .. }
        | ClientFrame::Typing { conversation, .. } => (Some(*conversation), None),
        _ => (None, None),
    }
}

/// Tells an unknown type and a wrong field from what is no frame at all.
fn unreadable(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    text: &str,
    error: &serde_json::Error,
) -> Option<Closing> {
    #[derive(Deserialize)]
    struct Tagged {
        #[serde(rename = "type")]
        tag: Option<String>,
        client_msg_id: Option<serde_json::Value>,
        conversation: Option<serde_json::Value>,
    }
    let Ok(Tagged { tag: Some(tag), client_msg_id, conversation }) = serde_json::from_str::<Tagged>(text) else {
        return bad_frame(node, connection, "the frame is not a JSON object with a type");
    };
    let failure = if ClientFrame::TYPES.contains(&tag.as_str()) {
        Failure::new(ErrorCode::InvalidRequest, error.to_string())
    } else {
        Failure::new(ErrorCode::UnknownType, "this version knows no frame of that type")
    };
    let conversation = conversation.and_then(|value| serde_json::from_value(value).ok());
    let id = client_msg_id.and_then(|value| serde_json::from_value(value).ok());
    refuse(node, connection, failure.frame(conversation, id));
    None
}

/// Counts an unreadable frame; too many end the connection.
pub fn bad_frame(node: &Node, connection: &Arc<Connection>, detail: &str) -> Option<Closing> {
    node.counters.bad_frames.inc();
    refuse(node, connection, Failure::new(ErrorCode::BadFrame, detail).frame(None, None));
    let count = connection.refusals.fetch_add(1, Ordering::Relaxed) + 1;
    (count >= PATIENCE).then_some(Closing { code: close_code::BAD_FRAME, reason: "too many bad frames" })
}

async fn handle(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    frame: ClientFrame,
    begin: Instant,
) -> Result<Option<Closing>, Failure> {
    match frame {
        ClientFrame::Hello(_) => {
            return Ok(Some(Closing { code: close_code::BAD_FRAME, reason: "a second hello" }));
        }
        ClientFrame::Auth { token } => authenticate(node, connection, &token).await?,
        ClientFrame::Ping { n } => {
            connection.send(&ServerFrame::Pong { n });
        }
        ClientFrame::Send { conversation, client_msg_id, body } => {
            let submitted = send(node, connection, conversation, client_msg_id, body).await?;
            answer(node, connection, conversation, client_msg_id, submitted, begin).await;
        }
        ClientFrame::Edit { .. }
        | ClientFrame::Delete { .. }
        | ClientFrame::React { .. }
        | ClientFrame::Unreact { .. } => {
            let (Some(conversation), Some(id)) = subject(&frame) else { return Ok(None) };
            let submitted = change(node, connection, frame, conversation, id).await?;
            answer(node, connection, conversation, id, submitted, begin).await;
        }
        ClientFrame::Read { conversation, up_to } => {
            cursor(node, connection, conversation, ReadCursor::read_up_to(up_to)).await?;
        }
        ClientFrame::Delivered { conversation, up_to } => {
            cursor(node, connection, conversation, ReadCursor::delivered_up_to(up_to)).await?;
        }
        ClientFrame::Typing { conversation, on } => {
            member(connection, conversation)?;
            let user = connection.info.user;
            node.delivery
                .to_conversation(conversation, &ServerFrame::Typing { conversation, user, on }, Some(user))
                .await;
        }
        ClientFrame::PresenceWatch { users } => node.chat.presence_watch(connection, users).await?,
        ClientFrame::PresenceSet { state } => node.chat.set_away(connection, state).await?,
    }
    Ok(None)
}

fn member(connection: &Connection, conversation: ConversationId) -> Result<Arc<Hub>, Failure> {
    connection.hub(conversation).map_err(|_| Failure::not_found("conversation"))
}

async fn authenticate(node: &Node, connection: &Arc<Connection>, token: &str) -> Result<(), Failure> {
    let caller = node.auth.authenticate(token).await?;
    if caller.user != connection.info.user {
        return Err(Failure::new(ErrorCode::Unauthenticated, "the token is another user's"));
    }
    connection.renew_token(caller.expires_at);
    let expires_in = caller.expires_at.millis_since(node.now()) / 1000;
    connection.send(&ServerFrame::Authenticated { expires_in });
    Ok(())
}

async fn send(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    conversation: ConversationId,
    id: ClientMsgId,
    body: SendBody,
) -> Result<Submitted, Failure> {
    let hub = member(connection, conversation)?;
    let user = connection.info.user;
    node.chat.take_send(user).await?;
    node.chat.require_open(&hub, user).await?;
    let attachments = files::attachments(node, user, conversation, &body.attachments).await?;
    let submitted = node.chat.send(user, conversation, id, body, attachments).await?;
    connection.refusals.store(0, Ordering::Relaxed);
    Ok(submitted)
}

async fn change(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    frame: ClientFrame,
    conversation: ConversationId,
    id: ClientMsgId,
) -> Result<Submitted, Failure> {
    member(connection, conversation)?;
    let (chat, user) = (&node.chat, connection.info.user);
    chat.take_send(user).await?;
    let access = chat.access(user, conversation).await?;
    let draft = match frame {
        ClientFrame::Edit { target, body, .. } => {
            let attachments = files::attachments(node, user, conversation, &body.attachments).await?;
            chat.draft_edit(&access, id, target, body, attachments).await?
        }
        ClientFrame::Delete { target, .. } => chat.draft_delete(&access, id, target).await?,
        ClientFrame::React { target, emoji, .. } => chat.draft_reaction(&access, id, target, emoji, true).await?,
        ClientFrame::Unreact { target, emoji, .. } => chat.draft_reaction(&access, id, target, emoji, false).await?,
        _ => return Err(Failure::new(ErrorCode::UnknownType, "this frame changes nothing")),
    };
    chat.submit(draft).await
}

/// Acks when the log has it; the connection reads on meanwhile, up to its share of sends in flight.
async fn answer(
    node: &Arc<Node>,
    connection: &Arc<Connection>,
    conversation: ConversationId,
    id: ClientMsgId,
    submitted: Submitted,
    begin: Instant,
) {
    if let Submitted::Before { seq, at } = submitted {
        node.counters.sends.ended(begin, Ok(()));
        connection.send(&ServerFrame::Ack { client_msg_id: id, conversation, seq, at });
        return;
    }
    let Ok(permit) = connection.in_flight.acquire().await else { return };
    permit.forget();
    let (node, connection) = (Arc::clone(node), Arc::clone(connection));
    let tasks = node.chat.tasks.clone();
    tasks.spawn(async move {
        let outcome = submitted.outcome().await;
        node.counters.sends.ended(begin, outcome.as_ref().map(drop).map_err(|failure| failure.code));
        match outcome {
            Ok((seq, at)) => {
                connection.send(&ServerFrame::Ack { client_msg_id: id, conversation, seq, at });
            }
            Err(failure) => refuse(&node, &connection, failure.frame(Some(conversation), Some(id))),
        }
        connection.in_flight.add_permits(1);
    });
}

async fn cursor(
    node: &Node,
    connection: &Connection,
    conversation: ConversationId,
    to: ReadCursor,
) -> Result<(), Failure> {
    member(connection, conversation)?;
    if to.read.max(to.delivered) == Seq::ZERO {
        return Ok(());
    }
    node.chat.advance_cursor(connection.info.user, conversation, to).await
}
