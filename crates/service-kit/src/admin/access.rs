//! Who may use the calls that tell of load and change what a process does.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use parking_lot::Mutex;

use super::tokens::{TokenFileError, accepted, parse};

/// Reading the token file takes microseconds, unless its volume hangs.
const READ_DEADLINE: Duration = Duration::from_secs(2);
/// Refusals are told in the log once in this time: whoever guesses must not fill the disk.
const TELL_PERIOD: Duration = Duration::from_secs(10);

/// With a token file: whoever has a token of it. Without: processes of the same machine or pod.
#[derive(Debug)]
pub struct AdminAccess {
    token_file: Option<PathBuf>,
    told: Mutex<Option<Instant>>,
}

/// Why not; a sentence for whoever asked.
struct Refusal(StatusCode, String);

impl AdminAccess {
    pub fn new(token_file: Option<PathBuf>) -> Arc<Self> {
        Arc::new(Self { token_file, told: Mutex::new(None) })
    }

    async fn judge(&self, headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(), Refusal> {
        let Some(path) = &self.token_file else { return local(headers, peer) };
        let unavailable = |why: &dyn std::fmt::Display| {
            // Nobody is let in: it may be that a token was just withdrawn.
            tracing::warn!(%why, "the admin token file is of no use: nobody is let in");
            Refusal(StatusCode::SERVICE_UNAVAILABLE, "the admin token file can't be read, the log tells why".to_owned())
        };
        // Each time: a rotated token counts at once, and one that was withdrawn does not.
        let content = match tokio::time::timeout(READ_DEADLINE, tokio::fs::read(path)).await {
            Ok(read) => read.map_err(|error| TokenFileError::Unreadable { path: path.clone(), error }),
            Err(_) => return Err(unavailable(&"reading it takes longer than 2 s")),
        };
        let known = content.and_then(|content| parse(path, &content)).map_err(|error| unavailable(&error))?;
        let presented = bearer(headers).ok_or_else(|| {
            Refusal(
                StatusCode::UNAUTHORIZED,
                "say `Authorization: Bearer TOKEN`, with a token of --admin-token-file".into(),
            )
        })?;
        if accepted(&known, presented) {
            return Ok(());
        }
        Err(Refusal(StatusCode::UNAUTHORIZED, "the token is none of --admin-token-file".into()))
    }

    fn tell(&self, peer: Option<SocketAddr>, path: &str, status: StatusCode) {
        let mut told = self.told.lock();
        if told.is_some_and(|at| at.elapsed() < TELL_PERIOD) {
            return;
        }
        *told = Some(Instant::now());
        let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
        tracing::warn!(target: "audit", peer, path, status = status.as_u16(), "an admin call was refused");
    }
}

/// A process of this machine, and not a page that a browser on this machine shows.
fn local(headers: &HeaderMap, peer: Option<SocketAddr>) -> Result<(), Refusal> {
    let forbidden = |why: &str| Err(Refusal(StatusCode::FORBIDDEN, why.to_owned()));
    if !peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback()) {
        return forbidden("without --admin-token-file this answers only to the process's own machine");
    }
    if [header::ORIGIN, HeaderName::from_static("sec-fetch-site")].iter().any(|name| headers.contains_key(name)) {
        return forbidden("without --admin-token-file this does not answer to browsers");
    }
    Ok(())
}

/// RFC 6750, section 2.1; the scheme's case does not matter (RFC 9110, section 11.1).
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let value = headers.get(header::AUTHORIZATION)?.as_bytes();
    let (scheme, token) = value.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| token.trim_ascii()).filter(|token| !token.is_empty())
}

/// Lets only those to the routes of `router` who may use them: 401, 403 or 503 with a sentence for everybody else. The
/// server has to put [`ConnectInfo`] into each request.
pub fn guard<S: Clone + Send + Sync + 'static>(router: Router<S>, access: &Arc<AdminAccess>) -> Router<S> {
    router.route_layer(middleware::from_fn_with_state(Arc::clone(access), require))
}

async fn require(State(access): State<Arc<AdminAccess>>, request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
    match access.judge(request.headers(), peer).await {
        Ok(()) => next.run(request).await,
        Err(Refusal(status, sentence)) => {
            access.tell(peer, request.uri().path(), status);
            let mut response = (status, sentence + "\n").into_response();
            if status == StatusCode::UNAUTHORIZED {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            response
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(access: &Arc<AdminAccess>, peer: &str, headers: &[(&str, &str)]) -> StatusCode {
        let router = guard(Router::new().route("/load", get(|| async { "load" })), access);
        let router = router.route("/livez", get(|| async { "alive" }));
        let mut request = Request::builder().uri("/load");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(Body::empty()).expect("a request");
        request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().expect("an address")));
        let open = router.clone().oneshot(Request::get("/livez").body(Body::empty()).expect("a request")).await;
        assert_eq!(open.expect("an answer").status(), StatusCode::OK, "never guarded");
        router.oneshot(request).await.expect("an answer").status()
    }

    #[tokio::test]
    async fn without_a_file_only_the_machine_itself_may_ask() {
        let access = AdminAccess::new(None);
        assert_eq!(ask(&access, "127.0.0.1:5", &[]).await, 200);
        assert_eq!(ask(&access, "[::1]:5", &[]).await, 200);
        assert_eq!(ask(&access, "[::ffff:127.0.0.1]:5", &[]).await, 200);
        for peer in ["10.0.0.7:5", "[2001:db8::1]:5", "[::ffff:10.0.0.7]:5"] {
            assert_eq!(ask(&access, peer, &[("authorization", "Bearer anything")]).await, 403, "{peer}");
        }
        assert_eq!(ask(&access, "127.0.0.1:5", &[("origin", "https://evil.example")]).await, 403);
        assert_eq!(ask(&access, "127.0.0.1:5", &[("sec-fetch-site", "cross-site")]).await, 403);
    }

    #[tokio::test]
    async fn a_rotation_counts_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tokens");
        std::fs::write(&file, "old-token\n").expect("written");
        let access = AdminAccess::new(Some(file.clone()));
        let with = async |token: &str| {
            let header = format!("Bearer {token}");
            ask(&access, "127.0.0.1:5", &[("authorization", header.as_str())]).await
        };
        assert_eq!((with("old-token").await, with("new-token").await), (StatusCode::OK, StatusCode::UNAUTHORIZED));
        std::fs::write(&file, "old-token\nnew-token\n").expect("written");
        assert_eq!((with("old-token").await, with("new-token").await), (StatusCode::OK, StatusCode::OK));
        std::fs::write(&file, "new-token\n").expect("written");
        assert_eq!((with("old-token").await, with("new-token").await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
        std::fs::write(&file, "\n").expect("written");
        assert_eq!(with("new-token").await, 503, "an empty file lets nobody in");
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(with("new-token").await, 503);
    }

    #[tokio::test]
    async fn what_is_no_bearer_token_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tokens");
        std::fs::write(&file, "secret\n").expect("written");
        let access = AdminAccess::new(Some(file));
        let anywhere = "10.1.2.3:4";
        assert_eq!(ask(&access, anywhere, &[("authorization", "bearer  secret ")]).await, 200);
        for header in ["Bearer", "Bearer ", "Basic secret", "secret", "Bearer secre", "Bearer secrets"] {
            assert_eq!(ask(&access, anywhere, &[("authorization", header)]).await, 401, "{header}");
        }
        assert_eq!(ask(&access, anywhere, &[]).await, 401);
    }
}
