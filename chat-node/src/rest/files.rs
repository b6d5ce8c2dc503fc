use std::ops::Range;
use std::sync::Arc;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use chat_core::FileId;
use chat_wire::ErrorCode;
use chat_wire::rest::{CreateFile, FileCreated, FileInfo, FileLink, UploadProgress};
use object_store::{GetOptions, GetRange, ObjectStore as _};
use serde::Deserialize;
use utoipa::IntoParams;

use super::caller::Caller;
use super::extract::{Body, Ids, Query};
use crate::files::{LINK_SECONDS, Purpose, disposition, is_inline_image};
use crate::{Failure, Node};

pub fn router() -> Router<Arc<Node>> {
    Router::new()
        .route("/v1/files", post(create))
        .route("/v1/files/{id}", get(fetch))
        .route("/v1/files/{id}/upload", get(progress))
        .route("/v1/files/{id}/complete", post(complete))
        .route("/v1/blobs/{id}", get(read))
        .route("/v1/blobs/{id}/{part}", put(upload))
}

type App = State<Arc<Node>>;

/// Enter a file and learn where its bytes go
#[utoipa::path(post, path = "/v1/files", tag = "files", request_body = CreateFile, responses((status = 201, body = FileCreated)))]
pub async fn create(
    State(node): App,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<CreateFile>,
) -> Result<(StatusCode, Json<FileCreated>), Failure> {
    node.chat.take_send(caller.user).await?;
    if let Some(conversation) = request.conversation {
        node.chat.access(caller.user, conversation).await?;
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    Ok((StatusCode::CREATED, Json(node.files.create(caller.user, request, host).await?)))
}

/// Which parts have arrived
#[utoipa::path(get, path = "/v1/files/{id}/upload", tag = "files", params(("id" = FileId, Path)), responses((status = 200, body = UploadProgress)))]
pub async fn progress(State(node): App, caller: Caller, Ids(id): Ids<FileId>) -> Result<Json<UploadProgress>, Failure> {
    Ok(Json(UploadProgress { received: node.files.received(caller.user, id).await? }))
}

/// Check the bytes and make the file usable
#[utoipa::path(post, path = "/v1/files/{id}/complete", tag = "files", params(("id" = FileId, Path)), responses((status = 200, body = FileInfo)))]
pub async fn complete(State(node): App, caller: Caller, Ids(id): Ids<FileId>) -> Result<Json<FileInfo>, Failure> {
    Ok(Json(node.files.complete(caller.user, id).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FetchQuery {
    /// `false`: answer 200 with the link in the body
    pub redirect: Option<bool>,
}

/// A link to the bytes that lives for a minute
#[utoipa::path(get, path = "/v1/files/{id}", tag = "files", params(("id" = FileId, Path), FetchQuery),
    responses((status = 302, description = "to the bytes"), (status = 200, description = "with redirect=false", body = FileLink)))]
pub async fn fetch(
    State(node): App,
    caller: Caller,
    Ids(id): Ids<FileId>,
    Query(query): Query<FetchQuery>,
) -> Result<Response, Failure> {
    node.files.readable(caller.user, id).await?;
    let lives = i64::try_from(LINK_SECONDS * 1000).unwrap_or(0);
    let url = node.files.links.path(id, Purpose::Read, node.now().plus_millis(lives));
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if query.redirect == Some(false) {
        return Ok(([no_store], Json(FileLink { url, expires_in: LINK_SECONDS })).into_response());
    }
    let location = HeaderValue::try_from(url).map_err(|error| Failure::internal("link", &error))?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location), no_store]).into_response())
}

#[derive(Debug, Deserialize)]
struct Signed {
    expires: i64,
    signature: String,
}

fn check_link(node: &Node, id: FileId, purpose: Purpose, link: &Signed) -> Result<(), Failure> {
    if node.files.links.check(id, purpose, link.expires, &link.signature, node.now()) {
        return Ok(());
    }
    Err(Failure::forbidden("this link is not valid, or its time is over"))
}

async fn upload(
    State(node): App,
    Ids((id, part)): Ids<(FileId, u32)>,
    Query(link): Query<Signed>,
    request: Request,
) -> Result<StatusCode, Failure> {
    check_link(&node, id, Purpose::Upload { part }, &link)?;
    let declared =
        request.headers().get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
    node.files.receive(id, part, declared, request.into_body()).await?;
    Ok(StatusCode::OK)
}

async fn read(
    State(node): App,
    Ids(id): Ids<FileId>,
    Query(link): Query<Signed>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    check_link(&node, id, Purpose::Read, &link)?;
    let row = node.backends.store.file(id).await?.ok_or_else(|| Failure::not_found("file"))?;
    let range =
        headers.get(header::RANGE).and_then(|value| value.to_str().ok()).and_then(|text| parse_range(text, row.size));
    let options = GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
    let got =
        node.backends.blobs.get_opts(&format!("files/{id}").into(), options).await.map_err(|error| match error {
            object_store::Error::NotFound { .. } => Failure::not_found("file"),
            error => {
                tracing::error!(file = %id, %error, "a file could not be read");
                Failure::new(ErrorCode::Unavailable, "the file store does not answer now")
            }
        })?;
    let length = range.as_ref().map_or(row.size, |range| range.end - range.start);
    let mut response = Response::new(HttpBody::from_stream(got.into_stream()));
    let out = response.headers_mut();
    let inline = is_inline_image(&row.media_type);
    for (name, value) in [
        (header::CONTENT_TYPE, row.media_type.clone()),
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_DISPOSITION, disposition(&row.name, inline)),
    ] {
        out.insert(name, HeaderValue::try_from(value).map_err(|error| Failure::internal("file header", &error))?);
    }
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, max-age=3600, immutable"));
    out.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Some(range) = range {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, row.size);
        out.insert(header::CONTENT_RANGE, HeaderValue::try_from(text).map_err(|e| Failure::internal("range", &e))?);
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    }
    Ok(response)
}

/// One range of RFC 9110 §14.1.2; anything else is answered with the whole file.
fn parse_range(text: &str, size: u64) -> Option<Range<u64>> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) => first..last.saturating_add(1).min(size),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(suffix)) if first.is_empty() => size.saturating_sub(suffix)..size,
        _ => return None,
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!(parse_range("bytes=0-9", 100), Some(0..10));
        assert_eq!(parse_range("bytes=90-", 100), Some(90..100));
        assert_eq!(parse_range("bytes=-5", 100), Some(95..100));
        assert_eq!(parse_range("bytes=50-500", 100), Some(50..100));
        for whole in ["bytes=100-", "bytes=5-1", "bytes=0-1,3-4", "lines=1-2", "bytes=-", "bytes=-0"] {
            assert_eq!(parse_range(whole, 100), None, "{whole}");
        }
    }
}
