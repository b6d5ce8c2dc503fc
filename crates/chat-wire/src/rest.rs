//! Bodies of the REST calls, by resource.

mod auth;
mod conversations;
mod files;
mod messages;
mod users;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use auth::{ChangePassword, Login, LoginSession, Register, SignedIn};
pub use conversations::{
    AddMember, Conversation, CreateConversation, Cursor, MemberProfile, PatchConversation, PatchMember,
    PatchPreferences, Preferences,
};
pub use files::{CreateFile, FileCreated, FileInfo, FileLink, UploadPart, UploadProgress, UploadTarget};
pub use messages::{Message, MessagePage, PostMessage, Posted, Reaction, Receipt, ReceiptState};
pub use users::{Me, PatchMe, User};

/// A page of a list. `next` is absent on the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next: None }
    }
}

/// Tells a field that is absent (`None`) from one that is `null` (`Some(None)`).
#[allow(clippy::option_option)]
fn present<'de, T: Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
