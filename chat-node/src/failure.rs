//! What a call answers when it can't do as asked: one type for REST and WebSocket.

use std::fmt;

use chat_core::{BodyProblem, ClientMsgId, ConversationId};
use chat_ports::PortError;
use chat_wire::{ErrorCode, ErrorFrame, FieldError, Problem};

/// A refusal or failure, on its way to the client. `detail` is for people and holds nothing secret.
#[derive(Debug, Clone)]
pub struct Failure {
    pub code: ErrorCode,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub retry_after_ms: Option<u64>,
}

impl Failure {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_ms: None }
    }

    /// The same for what isn't there and for what isn't theirs.
    pub fn not_found(what: &str) -> Self {
        Self::new(ErrorCode::NotFound, format!("there is no such {what}, or it is not for you"))
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Forbidden, detail)
    }

    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            code: ErrorCode::InvalidRequest,
            errors: vec![FieldError { field: field.to_owned(), detail: detail.clone() }],
            detail: format!("`{field}` {detail}"),
            retry_after_ms: None,
        }
    }

    pub fn rate_limited(retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(ErrorCode::RateLimited, format!("too many requests, try again in {retry_after_ms} ms"))
        }
    }

    /// For the log as well as for the client, who only learns that it was our fault.
    pub fn internal(context: &str, error: &dyn fmt::Display) -> Self {
        tracing::error!(%error, context, "a request failed by a fault of this server");
        Self::new(ErrorCode::Internal, "an internal error; it was logged")
    }

    pub fn problem(&self) -> Problem {
        Problem {
            errors: self.errors.clone(),
            retry_after_ms: self.retry_after_ms,
            ..Problem::new(self.code, self.detail.clone())
        }
    }

    pub fn frame(&self, conversation: Option<ConversationId>, client_msg_id: Option<ClientMsgId>) -> ErrorFrame {
        ErrorFrame {
            code: self.code,
            retryable: self.code.retryable(),
            detail: self.detail.clone(),
            client_msg_id,
            conversation,
            retry_after_ms: self.retry_after_ms,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        match &error {
            PortError::Unavailable { backend, .. } => {
                tracing::warn!(%error, backend, "a backend did not answer");
                Self {
                    retry_after_ms: Some(1_000),
                    ..Self::new(ErrorCode::Unavailable, format!("the {backend} does not answer now"))
                }
            }
            PortError::Full { backend, .. } => {
                tracing::error!(%error, backend, "a backend is full");
                Self {
                    retry_after_ms: Some(10_000),
                    ..Self::new(ErrorCode::StorageFull, "there is no room for more data; reading still works")
                }
            }
            PortError::Refused { .. } | PortError::Corrupt { .. } => Self::internal("port", &error),
        }
    }
}

impl From<BodyProblem> for Failure {
    fn from(problem: BodyProblem) -> Self {
        match problem {
            BodyProblem::TextTooLong { .. } => Self::new(ErrorCode::TooLarge, problem.to_string()),
            _ => Self::invalid("body", problem.to_string()),
        }
    }
}
