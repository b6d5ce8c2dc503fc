use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, put};
use axum::{Json, Router};
use chat_core::{UserId, Username};
use chat_ports::store::ProfileChange;
use chat_wire::rest::{Me, Page, PatchMe, User};
use chat_wire::{ErrorCode, decode_cursor, encode_cursor};
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use super::extract::{Body, Ids, Query, page_limit};
use crate::auth::me as own;
use crate::{Failure, Node};

const MAX_IDS: usize = 200;
const MAX_PREFIX: usize = 64;
const MAX_BLOCKS: usize = 1_000;

pub fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/me", get(me).patch(patch_me))
        .route("/v1/me/blocks", get(blocks))
        .route("/v1/me/blocks/{user}", put(block).delete(unblock))
        .route("/v1/users", get(find))
        .route("/v1/users/{id}", get(fetch))
}

type App = State<Arc<Node>>;

/// One's own account
#[utoipa::path(get, path = "/v1/me", tag = "users", responses((status = 200, body = Me)))]
pub async fn me(State(node): App, caller: Caller) -> Result<Json<Me>, Failure> {
    let row = node.backends.store.user(caller.user).await?;
    row.map(|row| Json(own(row))).ok_or_else(|| Failure::new(ErrorCode::Unauthenticated, "the account is gone"))
}

/// Change one's profile
#[utoipa::path(patch, path = "/v1/me", tag = "users", request_body = PatchMe, responses((status = 200, body = Me)))]
pub async fn patch_me(State(node): App, caller: Caller, Body(patch): Body<PatchMe>) -> Result<Json<Me>, Failure> {
    if let Some(Some(file)) = patch.avatar {
        node.chat.avatar_file(caller.user, file).await?;
    }
    let change = ProfileChange {
        display_name: patch.display_name,
        avatar: patch.avatar,
        status_text: patch.status_text.map(|text| text.map(String::from)),
        last_seen_visible: patch.last_seen_visible,
    };
    node.backends.store.change_profile(caller.user, change).await?;
    me(State(node), caller).await
}

/// Either `prefix` or `ids`.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FindQuery {
    /// Beginning of a username or of a word of a display name
    pub prefix: Option<String>,
    /// Up to 200 ids, separated by commas; unknown ones are left out
    pub ids: Option<String>,
    /// 1–100
    pub limit: Option<u64>,
    /// `next` of the page before
    pub cursor: Option<String>,
}

/// Find people
#[utoipa::path(get, path = "/v1/users", tag = "users", params(FindQuery), responses((status = 200, body = Page<User>)))]
pub async fn find(State(node): App, _: Caller, Query(query): Query<FindQuery>) -> Result<Json<Page<User>>, Failure> {
    if let Some(ids) = query.ids {
        let ids = ids.split(',').filter(|id| !id.is_empty()).map(str::parse).collect::<Result<Vec<UserId>, _>>();
        let ids = ids.map_err(|error| Failure::invalid("ids", error.to_string()))?;
        if ids.len() > MAX_IDS {
            return Err(Failure::invalid("ids", format!("has {}, at most {MAX_IDS} are allowed", ids.len())));
        }
        return Ok(Json(Page::whole(node.chat.profiles(&ids).await?)));
    }
    let prefix = query.prefix.unwrap_or_default();
    if prefix.trim().is_empty() || prefix.chars().count() > MAX_PREFIX {
        return Err(Failure::invalid("prefix", format!("must have 1 to {MAX_PREFIX} characters")));
    }
    let after = query.cursor.map(|text| decode_cursor::<Username>(&text)).transpose();
    let after = after.map_err(|bad| Failure::invalid("cursor", bad.to_string()))?;
    let limit = page_limit(query.limit)?;
    let mut rows = node.backends.store.search_users(&prefix, after.as_ref(), limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| encode_cursor(&row.username));
    Ok(Json(Page { items: rows.into_iter().map(crate::chat::profile).collect(), next }))
}

/// One person
#[utoipa::path(get, path = "/v1/users/{id}", tag = "users", params(("id" = UserId, Path)), responses((status = 200, body = User)))]
pub async fn fetch(State(node): App, _: Caller, Ids(id): Ids<UserId>) -> Result<Json<User>, Failure> {
    node.chat.profiles(&[id]).await?.pop().map(Json).ok_or_else(|| Failure::not_found("user"))
}

/// Whom one has blocked
#[utoipa::path(get, path = "/v1/me/blocks", tag = "users", responses((status = 200, body = Page<User>)))]
pub async fn blocks(State(node): App, caller: Caller) -> Result<Json<Page<User>>, Failure> {
    let ids = node.backends.store.blocks(caller.user).await?;
    Ok(Json(Page::whole(node.chat.profiles(&ids).await?)))
}

/// Block somebody: no direct messages either way
#[utoipa::path(put, path = "/v1/me/blocks/{user}", tag = "users", params(("user" = UserId, Path)), responses((status = 204)))]
pub async fn block(State(node): App, caller: Caller, Ids(user): Ids<UserId>) -> Result<StatusCode, Failure> {
    if user == caller.user {
        return Err(Failure::invalid("user", "is yourself"));
    }
    let store = &node.backends.store;
    if store.user(user).await?.is_none() {
        return Err(Failure::not_found("user"));
    }
    if store.blocks(caller.user).await?.len() >= MAX_BLOCKS {
        return Err(Failure::new(ErrorCode::TooLarge, format!("at most {MAX_BLOCKS} people can be blocked")));
    }
    store.set_block(caller.user, user, true).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a block back
#[utoipa::path(delete, path = "/v1/me/blocks/{user}", tag = "users", params(("user" = UserId, Path)), responses((status = 204)))]
pub async fn unblock(State(node): App, caller: Caller, Ids(user): Ids<UserId>) -> Result<StatusCode, Failure> {
    node.backends.store.set_block(caller.user, user, false).await?;
    Ok(StatusCode::NO_CONTENT)
}
