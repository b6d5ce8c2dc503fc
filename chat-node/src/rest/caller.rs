use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use chat_wire::ErrorCode;

pub use crate::auth::Caller;
use crate::{Failure, Node};

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl FromRequestParts<Arc<Node>> for Caller {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Failure> {
        let missing =
            || Failure::new(ErrorCode::Unauthenticated, "this call needs `Authorization: Bearer <access_token>`");
        let token = bearer(&parts.headers).ok_or_else(missing)?;
        node.auth.authenticate(token).await
    }
}

/// Browsers send `Origin`: it must be this server's own, or one that was allowed.
pub fn check_origin(node: &Node, headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return Ok(()) };
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let own = authority.is_some_and(|a| text(header::HOST).is_some_and(|host| a.eq_ignore_ascii_case(host)));
    if own || node.config.allowed_origins.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)) {
        return Ok(());
    }
    Err(Failure::forbidden("requests from this origin are not allowed (see --allowed-origin)"))
}
