use chat_core::{DisplayName, Password, SessionId, Timestamp, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Me;

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct Register {
    pub username: Username,
    pub password: Password,
    /// The username when absent.
    pub display_name: Option<DisplayName>,
    pub device_name: Option<DisplayName>,
}

/// Name and password are plain text here: a login with an impossible name must look like one with a wrong password.
#[derive(Clone, Deserialize, ToSchema)]
pub struct Login {
    pub username: String,
    #[schema(format = Password)]
    pub password: String,
    pub device_name: Option<DisplayName>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    pub user: Me,
    pub access_token: String,
    /// Seconds.
    pub expires_in: u64,
}

#[derive(Debug, Clone, Deserialize, ToSchema)]
pub struct ChangePassword {
    #[schema(format = Password)]
    pub current_password: String,
    pub new_password: Password,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LoginSession {
    pub id: SessionId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    pub created_at: Timestamp,
    pub last_used_at: Timestamp,
    /// The session of this very request.
    pub current: bool,
}
