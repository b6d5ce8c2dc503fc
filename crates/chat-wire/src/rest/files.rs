use std::collections::BTreeMap;

use chat_core::{ConversationId, FileId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
pub struct CreateFile {
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Media type as the client believes it; the server looks at the bytes.
    #[serde(rename = "type")]
    pub media_type: String,
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// Where it may be sent; absent for avatars.
    pub conversation: Option<ConversationId>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileCreated {
    pub id: FileId,
    pub upload: UploadTarget,
}

/// Where the bytes go: one request, or one for each of `parts`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UploadTarget {
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    /// Bytes of each part but the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part_size: Option<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<UploadPart>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UploadPart {
    /// From 1.
    pub number: u32,
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UploadProgress {
    /// Numbers of the parts that are there.
    pub received: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileInfo {
    pub id: FileId,
    pub name: String,
    pub size: u64,
    #[serde(rename = "type")]
    pub media_type: String,
    pub sha256: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FileLink {
    pub url: String,
    /// Seconds.
    pub expires_in: u64,
}
