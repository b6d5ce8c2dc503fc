use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chat_core::{ConversationId, Member, UserId};
use chat_wire::rest::{
    AddMember, Conversation, CreateConversation, Cursor, MemberProfile, Page, PatchConversation, PatchMember,
    PatchPreferences, Preferences,
};

use super::caller::Caller;
use super::extract::{Body, Ids, PageQuery, Query};
use crate::{Failure, Node};

pub fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/conversations", get(list).post(create))
        .route("/v1/conversations/{id}", get(fetch).patch(change).delete(remove))
        .route("/v1/conversations/{id}/leave", post(leave))
        .route("/v1/conversations/{id}/members", get(members).post(add_member))
        .route("/v1/conversations/{id}/members/{user}", axum::routing::patch(change_role).delete(remove_member))
        .route("/v1/conversations/{id}/preferences", put(preferences))
        .route("/v1/conversations/{id}/cursors", get(cursors))
}

type App = State<Arc<Node>>;

/// List one's conversations: pinned first, then by latest activity
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", params(PageQuery), responses((status = 200, body = Page<Conversation>)))]
pub async fn list(
    State(node): App,
    caller: Caller,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Conversation>>, Failure> {
    Ok(Json(node.chat.list(caller.user, page.cursor.as_deref(), page.limit()?).await?))
}

/// Create a direct conversation (idempotent for each pair) or a group
#[utoipa::path(post, path = "/v1/conversations", tag = "conversations", request_body = CreateConversation,
    responses((status = 201, body = Conversation), (status = 200, description = "the pair already has one", body = Conversation)))]
pub async fn create(
    State(node): App,
    caller: Caller,
    Body(request): Body<CreateConversation>,
) -> Result<(StatusCode, Json<Conversation>), Failure> {
    node.chat.take_send(caller.user).await?;
    let (conversation, fresh) = node.chat.create(caller.user, request).await?;
    Ok((if fresh { StatusCode::CREATED } else { StatusCode::OK }, Json(conversation)))
}

/// Get one conversation
#[utoipa::path(get, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = ConversationId, Path)), responses((status = 200, body = Conversation)))]
pub async fn fetch(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
) -> Result<Json<Conversation>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.conversation(&access, true).await?))
}

/// Change title or avatar (owner, admin)
#[utoipa::path(patch, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = ConversationId, Path)),
    request_body = PatchConversation, responses((status = 200, body = Conversation)))]
pub async fn change(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
    Body(patch): Body<PatchConversation>,
) -> Result<Json<Conversation>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.patch(&access, patch).await?))
}

/// Delete a group for everybody (owner)
#[utoipa::path(delete, path = "/v1/conversations/{id}", tag = "conversations", params(("id" = ConversationId, Path)), responses((status = 204)))]
pub async fn remove(State(node): App, caller: Caller, Ids(id): Ids<ConversationId>) -> Result<StatusCode, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    node.chat.delete(&access).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leave a group
#[utoipa::path(post, path = "/v1/conversations/{id}/leave", tag = "conversations", params(("id" = ConversationId, Path)), responses((status = 204)))]
pub async fn leave(State(node): App, caller: Caller, Ids(id): Ids<ConversationId>) -> Result<StatusCode, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    node.chat.leave(&access).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// List members with their profiles
#[utoipa::path(get, path = "/v1/conversations/{id}/members", tag = "conversations", params(("id" = ConversationId, Path), PageQuery),
    responses((status = 200, body = Page<MemberProfile>)))]
pub async fn members(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<MemberProfile>>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.members(&access, page.cursor.as_deref(), page.limit()?).await?))
}

/// Add a member (owner, admin)
#[utoipa::path(post, path = "/v1/conversations/{id}/members", tag = "conversations", params(("id" = ConversationId, Path)),
    request_body = AddMember, responses((status = 201, body = Member)))]
pub async fn add_member(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
    Body(request): Body<AddMember>,
) -> Result<(StatusCode, Json<Member>), Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok((StatusCode::CREATED, Json(node.chat.add_member(&access, request).await?)))
}

/// Change a member's role (owner)
#[utoipa::path(patch, path = "/v1/conversations/{id}/members/{user}", tag = "conversations",
    params(("id" = ConversationId, Path), ("user" = UserId, Path)), request_body = PatchMember, responses((status = 200, body = Member)))]
pub async fn change_role(
    State(node): App,
    caller: Caller,
    Ids((id, user)): Ids<(ConversationId, UserId)>,
    Body(patch): Body<PatchMember>,
) -> Result<Json<Member>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.change_role(&access, user, patch.role).await?))
}

/// Remove a member (owner any, admin members, everybody themselves)
#[utoipa::path(delete, path = "/v1/conversations/{id}/members/{user}", tag = "conversations",
    params(("id" = ConversationId, Path), ("user" = UserId, Path)), responses((status = 204)))]
pub async fn remove_member(
    State(node): App,
    caller: Caller,
    Ids((id, user)): Ids<(ConversationId, UserId)>,
) -> Result<StatusCode, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    node.chat.remove_member(&access, user).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own settings of a conversation
#[utoipa::path(put, path = "/v1/conversations/{id}/preferences", tag = "conversations", params(("id" = ConversationId, Path)),
    request_body = PatchPreferences, responses((status = 200, body = Preferences)))]
pub async fn preferences(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
    Body(patch): Body<PatchPreferences>,
) -> Result<Json<Preferences>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(node.chat.set_preferences(&access, patch).await?))
}

/// How far each member has come; empty in groups of more than 200
#[utoipa::path(get, path = "/v1/conversations/{id}/cursors", tag = "conversations", params(("id" = ConversationId, Path)), responses((status = 200, body = Page<Cursor>)))]
pub async fn cursors(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<ConversationId>,
) -> Result<Json<Page<Cursor>>, Failure> {
    let access = node.chat.access(caller.user, id).await?;
    Ok(Json(Page::whole(node.chat.cursors(&access).await?)))
}
