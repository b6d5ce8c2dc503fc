use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use chat_core::{ConversationId, Seq};
use chat_ports::store::Position;
use chat_wire::rest::{Message, MessagePage, Page, PostMessage, Posted, Receipt};
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use super::extract::{Body, Ids, Query, page_limit};
use crate::{Failure, Node, files};

pub fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/conversations/{id}/messages", get(page).post(send))
        .route("/v1/conversations/{id}/messages/{seq}", get(fetch))
        .route("/v1/conversations/{id}/messages/{seq}/receipts", get(receipts))
}

type App = State<Arc<Node>>;

/// Where the page lies; without a position it is the newest.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Only messages with a lower `seq`
    pub before: Option<u64>,
    /// Only messages with a higher `seq`
    pub after: Option<u64>,
    /// The page that has this `seq` in its middle
    pub around: Option<u64>,
    /// 1–100
    pub limit: Option<u64>,
}

impl HistoryQuery {
    fn position(&self) -> Result<Position, Failure> {
        match (self.before, self.after, self.around) {
            (None, None, None) => Ok(Position::Newest),
            (Some(seq), None, None) => Ok(Position::Before(Seq::new(seq))),
            (None, Some(seq), None) => Ok(Position::After(Seq::new(seq))),
            (None, None, Some(seq)) => Ok(Position::Around(Seq::new(seq))),
            _ => Err(Failure::invalid("before", "excludes `after` and `around`")),
        }
    }
}

/// A page of history, ascending by `seq`; it contains every message acknowledged before
#[utoipa::path(get, path = "/v1/conversations/{id}/messages", tag = "messages", params(("id" = ConversationId, Path), HistoryQuery), responses((status = 200, body = MessagePage)))]
pub async fn page(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<MessagePage>, Failure> {
    let (position, limit) = (query.position()?, page_limit(query.limit)?);
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.page(&access, position, limit).await?))
}

/// Send a message without a WebSocket, for scripts and bots
#[utoipa::path(post, path = "/v1/conversations/{id}/messages", tag = "messages", params(("id" = ConversationId, Path)), request_body = PostMessage, responses((status = 201, body = Posted)))]
pub async fn send(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
    Body(request): Body<PostMessage>,
) -> Result<(StatusCode, Json<Posted>), Failure> {
    let begin = Instant::now();
    let posted = post(&node, &caller, id, request).await;
    node.counters.sends.ended(begin, posted.as_ref().map(drop).map_err(|failure| failure.code));
    Ok((StatusCode::CREATED, Json(posted?)))
}

async fn post(node: &Arc<Node>, caller: &Caller, id: ConversationId, request: PostMessage) -> Result<Posted, Failure> {
    let PostMessage { client_msg_id, body } = request;
    node.chat.take_send(caller.user).await?;
    let access = node.chat.access(caller.user, id).await?;
    if access.require_group().is_err() {
        node.chat.require_unblocked(caller.user, id).await?;
    }
    let attachments = files::attachments(node, caller.user, id, &body.attachments).await?;
    let (seq, at) = node.chat.send(caller.user, id, client_msg_id, body, attachments).await?.outcome().await?;
    Ok(Posted { client_msg_id, conversation: id, seq, at })
}

/// One message
#[utoipa::path(get, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages", params(("id" = ConversationId, Path), ("seq" = u64, Path)), responses((status = 200, body = Message)))]
pub async fn fetch(
    State(node): App,
    caller: Caller,
    Ids((id, seq)): Ids<(ConversationId, u64)>,
) -> Result<Json<Message>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.message(&access, Seq::new(seq)).await?))
}

/// Who has a message, and who has read it
#[utoipa::path(get, path = "/v1/conversations/{id}/messages/{seq}/receipts", tag = "messages", params(("id" = ConversationId, Path), ("seq" = u64, Path)), responses((status = 200, body = Page<Receipt>)))]
pub async fn receipts(
    State(node): App,
    caller: Caller,
    Ids((id, seq)): Ids<(ConversationId, u64)>,
) -> Result<Json<Page<Receipt>>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(Page::whole(node.chat.receipts(&access, Seq::new(seq)).await?)))
}
