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
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let body = serde_path_to_error::deserialize(&mut json).map_err(|error| json_failure(&error))?;
        json.end().map_err(|error| Failure::new(ErrorCode::BadFrame, format!("the body is not JSON: {error}")))?;
        Ok(Self(body))
    }
}

/// Names the field that does not fit.
fn json_failure(error: &serde_path_to_error::Error<serde_json::Error>) -> Failure {
    let detail = error.inner().to_string();
    if error.inner().classify() != serde_json::error::Category::Data {
        return Failure::new(ErrorCode::BadFrame, format!("the body is not JSON: {detail}"));
    }
    // A missing field is told of where it should be: its name is in the sentence.
    let missing = detail.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let path = error.path().to_string();
    let field = match (missing, path.as_str()) {
        (Some(name), ".") => name.to_owned(),
        (Some(name), path) => format!("{path}.{name}"),
        (None, path) => path.to_owned(),
    };
    let sentence = detail.split(" at line ").next().unwrap_or_default();
    Failure::invalid(&field, sentence)
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
