use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use chat_core::SessionId;
use chat_wire::ErrorCode;
use chat_wire::rest::{ChangePassword, Login, LoginSession, Page, Register, SignedIn};

use super::caller::{Caller, check_origin};
use super::extract::{Body, Ids};
use crate::auth::{Signed, clear_cookie, client_address, read_cookie, set_cookie};
use crate::{Failure, Node};

pub fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/auth/register", post(register))
        .route("/v1/auth/login", post(login))
        .route("/v1/auth/refresh", post(refresh))
        .route("/v1/auth/logout", post(logout))
        .route("/v1/auth/sessions", get(sessions))
        .route("/v1/auth/sessions/{id}", delete(revoke_session))
        .route("/v1/auth/password", post(change_password))
}

type App = State<Arc<Node>>;
type Peer = ConnectInfo<SocketAddr>;

fn signed(node: &Node, status: StatusCode, signed: Signed) -> Response {
    let mut response = (status, Json(signed.body)).into_response();
    let cookie = set_cookie(&signed.refresh, node.config.secure_cookies);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

/// Create an account and sign in
#[utoipa::path(post, path = "/v1/auth/register", tag = "authentication", security(()), request_body = Register, responses((status = 201, body = SignedIn)))]
pub async fn register(
    State(node): App,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
    Body(request): Body<Register>,
) -> Result<Response, Failure> {
    // A foreign page must not sign a browser in to an account of its choice.
    check_origin(&node, &headers)?;
    node.auth.take_attempt(client_address(&node.config, peer, &headers)).await?;
    Ok(signed(&node, StatusCode::CREATED, node.auth.register(request).await?))
}

/// Sign in
#[utoipa::path(post, path = "/v1/auth/login", tag = "authentication", security(()), request_body = Login, responses((status = 200, body = SignedIn)))]
pub async fn login(
    State(node): App,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
    Body(request): Body<Login>,
) -> Result<Response, Failure> {
    // A foreign page must not sign a browser in to an account of its choice.
    check_origin(&node, &headers)?;
    node.auth.take_attempt(client_address(&node.config, peer, &headers)).await?;
    Ok(signed(&node, StatusCode::OK, node.auth.login(request).await?))
}

/// Exchange the refresh cookie for a new access token
#[utoipa::path(post, path = "/v1/auth/refresh", tag = "authentication", security(()), responses((status = 200, body = SignedIn)))]
pub async fn refresh(State(node): App, headers: HeaderMap) -> Result<Response, Failure> {
    check_origin(&node, &headers)?;
    let missing = || Failure::new(ErrorCode::Unauthenticated, "there is no session to refresh");
    let token = read_cookie(&headers).ok_or_else(missing)?;
    match node.auth.refresh(&token).await {
        Ok(answer) => Ok(signed(&node, StatusCode::OK, answer)),
        Err(failure) if failure.code == ErrorCode::Unauthenticated => {
            let mut response = failure.into_response();
            response.headers_mut().insert(header::SET_COOKIE, clear_cookie(node.config.secure_cookies));
            Ok(response)
        }
        Err(failure) => Err(failure),
    }
}

/// End this session
#[utoipa::path(post, path = "/v1/auth/logout", tag = "authentication", responses((status = 204)))]
pub async fn logout(State(node): App, caller: Caller, headers: HeaderMap) -> Result<Response, Failure> {
    check_origin(&node, &headers)?;
    node.auth.logout(caller.user, caller.session).await?;
    let cookie = [(header::SET_COOKIE, clear_cookie(node.config.secure_cookies))];
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// List one's sessions
#[utoipa::path(get, path = "/v1/auth/sessions", tag = "authentication", responses((status = 200, body = Page<LoginSession>)))]
pub async fn sessions(State(node): App, caller: Caller) -> Result<Json<Page<LoginSession>>, Failure> {
    Ok(Json(Page::whole(node.auth.sessions(&caller).await?)))
}

/// End a session; its connections close
#[utoipa::path(delete, path = "/v1/auth/sessions/{id}", tag = "authentication", params(("id" = SessionId, Path)), responses((status = 204)))]
pub async fn revoke_session(State(node): App, caller: Caller, Ids(id): Ids<SessionId>) -> Result<StatusCode, Failure> {
    if node.auth.revoke(caller.user, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Failure::not_found("session"))
    }
}

/// Change the password; every other session ends
#[utoipa::path(post, path = "/v1/auth/password", tag = "authentication", request_body = ChangePassword, responses((status = 204)))]
pub async fn change_password(
    State(node): App,
    ConnectInfo(peer): Peer,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<ChangePassword>,
) -> Result<StatusCode, Failure> {
    node.auth.take_attempt(client_address(&node.config, peer, &headers)).await?;
    node.auth.change_password(&caller, request.current_password, request.new_password).await?;
    Ok(StatusCode::NO_CONTENT)
}
