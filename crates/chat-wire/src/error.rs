use chat_core::{ClientMsgId, ConversationId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, the same over REST and WebSocket. The table is in `docs/reference/protocol.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    BadFrame,
    UnknownType,
    InvalidRequest,
    Unauthenticated,
    TokenExpired,
    Forbidden,
    NotFound,
    Conflict,
    UsernameTaken,
    TooLarge,
    UnsupportedType,
    ChecksumMismatch,
    UploadIncomplete,
    RateLimited,
    Unavailable,
    StorageFull,
    Draining,
    Internal,
}

impl ErrorCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadFrame => "bad_frame",
            Self::UnknownType => "unknown_type",
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "unauthenticated",
            Self::TokenExpired => "token_expired",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::UsernameTaken => "username_taken",
            Self::TooLarge => "too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::ChecksumMismatch => "checksum_mismatch",
            Self::UploadIncomplete => "upload_incomplete",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::StorageFull => "storage_full",
            Self::Draining => "draining",
            Self::Internal => "internal",
        }
    }

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadFrame | Self::UnknownType => 400,
            Self::Unauthenticated | Self::TokenExpired => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::Conflict | Self::UsernameTaken | Self::UploadIncomplete => 409,
            Self::TooLarge => 413,
            Self::UnsupportedType => 415,
            Self::InvalidRequest | Self::ChecksumMismatch => 422,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable | Self::Draining => 503,
            Self::StorageFull => 507,
        }
    }

    /// Will the same request do later?
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::StorageFull | Self::Draining | Self::Internal)
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::BadFrame => "Bad frame",
            Self::UnknownType => "Unknown frame type",
            Self::InvalidRequest => "Invalid request",
            Self::Unauthenticated => "Not signed in",
            Self::TokenExpired => "Access token expired",
            Self::Forbidden => "Not allowed",
            Self::NotFound => "Not found",
            Self::Conflict => "Conflict",
            Self::UsernameTaken => "Username taken",
            Self::TooLarge => "Too large",
            Self::UnsupportedType => "Unsupported type",
            Self::ChecksumMismatch => "Checksum mismatch",
            Self::UploadIncomplete => "Upload incomplete",
            Self::RateLimited => "Too many requests",
            Self::Unavailable => "Temporarily unavailable",
            Self::StorageFull => "Storage full",
            Self::Draining => "Node is draining",
            Self::Internal => "Internal error",
        }
    }
}

/// One field of a request that does not fit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    pub field: String,
    pub detail: String,
}

/// RFC 9457 problem details.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    #[serde(rename = "type")]
    pub type_uri: String,
    pub title: String,
    pub status: u16,
    pub code: ErrorCode,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            type_uri: format!("urn:elastic-chat:problem:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_ms: None,
        }
    }
}

/// The same over WebSocket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorFrame {
    pub code: ErrorCode,
    pub retryable: bool,
    pub detail: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<ClientMsgId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
