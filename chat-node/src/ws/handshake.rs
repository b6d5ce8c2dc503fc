use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chat_ports::RateDecision;
use chat_wire::{ErrorCode, SUBPROTOCOL};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::session;
use crate::metrics::Arrival;
use crate::rest::check_origin;
use crate::{Failure, Node};

/// `GET /v1/ws`: checks the request and hands the socket to a session.
pub async fn upgrade(
    State(node): State<Arc<Node>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Response {
    match accept(&node, request.headers()).await {
        Ok(answer) => {
            let upgrade = hyper::upgrade::on(&mut request);
            let tasks = node.chat.tasks.clone();
            tasks.spawn(async move {
                match upgrade.await.map(hyper::upgrade::Upgraded::downcast::<TokioIo<TcpStream>>) {
                    Ok(Ok(parts)) => session::run(node, parts.io.into_inner(), parts.read_buf, peer).await,
                    Ok(Err(_)) => tracing::error!("an upgraded connection is no TCP stream"),
                    Err(error) => tracing::debug!(%peer, %error, "an upgrade failed"),
                }
            });
            answer
        }
        Err(failure) => {
            node.counters.handshakes_refused.inc();
            node.counters.arrivals.count(Arrival::of(failure.code));
            failure.into_response()
        }
    }
}

async fn accept(node: &Node, headers: &HeaderMap) -> Result<Response, Failure> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let has = |value: Option<&str>, token: &str| {
        value.is_some_and(|v| v.split(',').any(|t| t.trim().eq_ignore_ascii_case(token)))
    };
    let is_upgrade = has(text(header::CONNECTION), "upgrade") && has(text(header::UPGRADE), "websocket");
    let key =
        text(header::SEC_WEBSOCKET_KEY).filter(|_| is_upgrade && text(header::SEC_WEBSOCKET_VERSION) == Some("13"));
    let Some(key) = key else {
        return Err(Failure::new(
            ErrorCode::InvalidRequest,
            "this address takes WebSocket handshakes (RFC 6455, version 13) only",
        ));
    };
    check_origin(node, headers)?;
    if node.drain.begun() {
        return Err(Failure {
            retry_after_ms: Some(1_000),
            ..Failure::new(ErrorCode::Draining, "this node takes no new connections")
        });
    }
    if let Some(quota) = node.config.limits.handshakes.get() {
        let key = format!("handshake:{}", node.id);
        if let RateDecision::Wait { retry_after_ms } = node.backends.directory.take(&key, quota, node.now()).await? {
            return Err(Failure::rate_limited(retry_after_ms));
        }
    }
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let out = answer.headers_mut();
    out.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    out.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(&derive_accept_key(key.as_bytes()));
    out.insert(header::SEC_WEBSOCKET_ACCEPT, accept.map_err(|error| Failure::internal("handshake", &error))?);
    if has(text(header::SEC_WEBSOCKET_PROTOCOL), SUBPROTOCOL) {
        out.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    Ok(answer)
}
