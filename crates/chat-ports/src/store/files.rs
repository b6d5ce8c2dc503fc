use async_trait::async_trait;
use chat_core::{ConversationId, FileId, Timestamp, UserId};

use crate::PortError;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// Bytes may still come.
    Pending,
    /// Verified and usable.
    Complete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    pub id: FileId,
    pub owner: UserId,
    /// `None` for avatars, which every signed-in user may read.
    pub conversation: Option<ConversationId>,
    pub name: String,
    pub size: u64,
    /// Declared until complete, then sniffed.
    pub media_type: String,
    pub sha256: [u8; 32],
    pub state: FileState,
    /// Bytes of each part but the last; `size` when there is one.
    pub part_size: u64,
    pub created_at: Timestamp,
}

#[async_trait]
pub trait FileStore: Send + Sync {
    async fn create_file(&self, file: FileRow) -> Result<(), PortError>;
    async fn file(&self, id: FileId) -> Result<Option<FileRow>, PortError>;
    /// False when it was complete already.
    async fn complete_file(&self, id: FileId, media_type: String) -> Result<bool, PortError>;
    /// Files still pending that were created before `before`, for cleaning up.
    async fn abandoned_files(&self, before: Timestamp, limit: usize) -> Result<Vec<FileRow>, PortError>;
    /// Only pending ones.
    async fn delete_file(&self, id: FileId) -> Result<(), PortError>;
}
