use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use chat_wire::ErrorCode;
use serde::de::DeserializeOwned;

use crate::Failure;

/// The largest JSON body of a call: a group of 10,000 members by id takes 400 KB.
const MAX_BODY: usize = 512 * 1024;

/// A JSON body; anything else is a [`Failure`] that says what is wrong with it.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;
    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let bytes = axum::body::to_bytes(request.into_body(), MAX_BODY).await.map_err(|_| {
            Failure::new(
                ErrorCode::TooLarge,
                format!("the body did not arrive whole or has more than {MAX_BODY} bytes"),
            )
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| json_failure(&error))
    }
}

fn json_failure(error: &serde_json::Error) -> Failure {
    match error.classify() {
        serde_json::error::Category::Data => Failure::new(ErrorCode::InvalidRequest, error.to_string()),
        _ => Failure::new(ErrorCode::BadFrame, format!("the body is not JSON: {error}")),
    }
}

/// The query string.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        axum::extract::Query::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection| Failure::new(ErrorCode::InvalidRequest, rejection.body_text()))
    }
}

/// Ids in the path; a malformed one can't be of anything, so it is "not found".
pub struct Ids<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Ids<T> {
    type Rejection = Failure;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(ids)| Self(ids)).map_err(|_| Failure::not_found("resource: its id is malformed"))
    }
}

/// Which page of a list.
#[derive(Debug, Default, serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// 1–100
    pub limit: Option<u64>,
    /// `next` of the page before
    pub cursor: Option<String>,
}

impl PageQuery {
    pub fn limit(&self) -> Result<usize, Failure> {
        page_limit(self.limit)
    }
}

/// 50 when absent.
pub fn page_limit(limit: Option<u64>) -> Result<usize, Failure> {
    match limit {
        None => Ok(50),
        Some(limit @ 1..=100) => Ok(usize::try_from(limit).unwrap_or(100)),
        Some(_) => Err(Failure::invalid("limit", "must be 1 to 100")),
    }
}
