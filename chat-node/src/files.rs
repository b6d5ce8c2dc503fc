//! Files: uploaded in parts, checked as a whole, and handed out by signed links that live for a minute.

mod assemble;
mod links;
mod name;
mod sniff;
mod upload;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chat_core::{Attachment, ConversationId, FileId, Timestamp, UserId};
use chat_ports::store::{FileRow, FileState};
use chat_wire::ErrorCode;
use chat_wire::rest::{CreateFile, FileCreated, FileInfo, UploadPart, UploadTarget};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use uuid::Uuid;

pub use links::{LINK_SECONDS, Links, Purpose};
pub use name::disposition;
pub use sniff::is_inline_image;

use crate::config::Config;
use crate::{Backends, Failure, Node};

/// One request up to here, parts of this size above.
pub const PART_BYTES: u64 = 8 << 20;
/// Bytes gathered before they are written: S3 takes no smaller parts than 5 MiB, except for the last.
const CHUNK: usize = 5 << 20;
const MAX_PARTS: u64 = 10_000;
const AVATAR_BYTES: u64 = 1 << 20;
/// Uploads that are not complete by then are removed.
const ABANDONED_MS: i64 = 24 * 3600 * 1000;

/// The files' service.
pub struct Files {
    backends: Backends,
    limit: Option<u64>,
    scheme: &'static str,
    pub links: Links,
}

fn part_path(id: FileId, part: u32) -> Path {
    Path::from(format!("uploads/{id}/{part}"))
}

fn file_path(id: FileId) -> Path {
    Path::from(format!("files/{id}"))
}

fn part_count(row: &FileRow) -> u64 {
    row.size.div_ceil(row.part_size.max(1)).max(1)
}

/// Bytes of a part: all but the last are full.
fn part_bytes(row: &FileRow, part: u32) -> Option<u64> {
    let count = part_count(row);
    let part = u64::from(part);
    (1..=count)
        .contains(&part)
        .then(|| if part < count { row.part_size } else { row.size - row.part_size * (count - 1) })
}

/// What the object store's refusal means to a client.
fn blob_failure(error: &object_store::Error) -> Failure {
    let text = error.to_string();
    if text.contains("os error 28") || text.contains("os error 122") {
        return Failure {
            retry_after_ms: Some(10_000),
            ..Failure::new(ErrorCode::StorageFull, "there is no room for more files")
        };
    }
    tracing::error!(%error, "the file store failed");
    Failure {
        retry_after_ms: Some(1_000),
        ..Failure::new(ErrorCode::Unavailable, "the file store does not answer now")
    }
}

impl Files {
    pub fn new(config: &Config, backends: &Backends, signing_key: &[u8; 32]) -> Self {
        Self {
            backends: backends.clone(),
            limit: config.limits.file_bytes.get(),
            scheme: if config.secure_cookies { "https" } else { "http" },
            links: Links::new(signing_key),
        }
    }

    fn now(&self) -> Timestamp {
        self.backends.clock.now()
    }

    /// Enters a file and tells where its bytes go. The caller has checked the membership.
    pub async fn create(&self, owner: UserId, request: CreateFile, host: &str) -> Result<FileCreated, Failure> {
        let CreateFile { name, size, media_type, sha256, conversation } = request;
        let sha256 =
            parse_sha256(&sha256).ok_or_else(|| Failure::invalid("sha256", "must be 64 hexadecimal digits"))?;
        if size == 0 {
            return Err(Failure::invalid("size", "must be at least 1"));
        }
        let limit = if conversation.is_none() { Some(AVATAR_BYTES) } else { self.limit };
        if limit.is_some_and(|limit| size > limit) || size.div_ceil(PART_BYTES) > MAX_PARTS {
            let detail = format!("the file has {size} bytes, {} are allowed", limit.unwrap_or(MAX_PARTS * PART_BYTES));
            return Err(Failure::new(ErrorCode::TooLarge, detail));
        }
        let row = FileRow {
            id: FileId::new(Uuid::now_v7()),
            owner,
            conversation,
            name: name::sanitise(&name),
            size,
            media_type: sniff::harmless(&media_type),
            sha256,
            state: FileState::Pending,
            part_size: size.min(PART_BYTES),
            created_at: self.now(),
        };
        let upload = self.target(&row, host);
        let id = row.id;
        self.backends.store.create_file(row).await?;
        Ok(FileCreated { id, upload })
    }

    fn target(&self, row: &FileRow, host: &str) -> UploadTarget {
        let method = "PUT".to_owned();
        let headers = BTreeMap::from([("content-type".to_owned(), "application/octet-stream".to_owned())]);
        let url = |part| {
            let purpose = Purpose::Upload { part };
            format!(
                "{}://{host}{}",
                self.scheme,
                self.links.path(row.id, purpose, self.now().plus_millis(ABANDONED_MS))
            )
        };
        let count = u32::try_from(part_count(row)).unwrap_or(1);
        let parts = (1..=count).filter(|_| count > 1).map(|number| UploadPart {
            number,
            method: method.clone(),
            url: url(number),
            headers: headers.clone(),
        });
        UploadTarget {
            parts: parts.collect(),
            part_size: (count > 1).then_some(row.part_size),
            url: url(1),
            method,
            headers,
        }
    }

    async fn owned(&self, owner: UserId, id: FileId) -> Result<FileRow, Failure> {
        let row = self.backends.store.file(id).await?.filter(|row| row.owner == owner);
        row.ok_or_else(|| Failure::not_found("file"))
    }

    /// The parts that are there in full.
    pub async fn received(&self, owner: UserId, id: FileId) -> Result<Vec<u32>, Failure> {
        let row = self.owned(owner, id).await?;
        let count = u32::try_from(part_count(&row)).unwrap_or(u32::MAX);
        let mut received = Vec::new();
        for part in 1..=count {
            let there = row.state == FileState::Complete || self.has_part(&row, part).await?;
            received.extend(there.then_some(part));
        }
        Ok(received)
    }

    async fn has_part(&self, row: &FileRow, part: u32) -> Result<bool, Failure> {
        match self.backends.blobs.head(&part_path(row.id, part)).await {
            Ok(meta) => Ok(Some(meta.size) == part_bytes(row, part)),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(blob_failure(&error)),
        }
    }

    /// Puts the parts together and checks them. Doing it again gives the same answer.
    pub async fn complete(&self, owner: UserId, id: FileId) -> Result<FileInfo, Failure> {
        let row = self.owned(owner, id).await?;
        if row.state == FileState::Complete {
            return Ok(info(row));
        }
        let failure = self.check_and_enter(&row).await.err();
        // Another request may have been faster: it took the parts away, and the answer is its own.
        let row = self.owned(owner, id).await?;
        match failure {
            Some(failure) if row.state == FileState::Pending => Err(failure),
            _ => Ok(info(row)),
        }
    }

    async fn check_and_enter(&self, row: &FileRow) -> Result<(), Failure> {
        let missing = part_count(row) - self.received(row.owner, row.id).await?.len() as u64;
        if missing > 0 {
            return Err(Failure::new(
                ErrorCode::UploadIncomplete,
                format!("{missing} part(s) have not arrived in full"),
            ));
        }
        let media_type = assemble::assemble(&self.backends, row).await?;
        if row.conversation.is_none() && !is_inline_image(&media_type) {
            return Err(Failure::new(
                ErrorCode::UnsupportedType,
                "an avatar must be a PNG, JPEG, GIF, WebP or AVIF image",
            ));
        }
        if !self.backends.store.complete_file(row.id, media_type).await? {
            tracing::debug!(file = %row.id, "completed by another request, or given up meanwhile");
        }
        assemble::drop_parts(&self.backends, row).await;
        Ok(())
    }

    /// A file that `user` may read: of their conversations, or an avatar.
    pub async fn readable(&self, user: UserId, id: FileId) -> Result<FileRow, Failure> {
        let gone = || Failure::not_found("file");
        let row =
            self.backends.store.file(id).await?.filter(|row| row.state == FileState::Complete).ok_or_else(gone)?;
        if let Some(conversation) = row.conversation {
            self.backends.store.membership(conversation, user).await?.ok_or_else(gone)?;
        }
        Ok(row)
    }

    /// Removes uploads that were given up. Called every few minutes.
    pub async fn clean(&self) -> Result<usize, Failure> {
        let before = self.now().plus_millis(-ABANDONED_MS);
        let abandoned = self.backends.store.abandoned_files(before, 100).await?;
        for row in &abandoned {
            assemble::drop_parts(&self.backends, row).await;
            self.backends.store.delete_file(row.id).await?;
            // Completed at the last moment, it stays. Otherwise it may have been assembled, and not entered as complete.
            if self.backends.store.file(row.id).await?.is_none() {
                assemble::drop_file(&self.backends, row.id).await;
            }
        }
        Ok(abandoned.len())
    }
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    // `from_str_radix` takes a sign too.
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

fn info(row: FileRow) -> FileInfo {
    let mut sha256 = String::with_capacity(64);
    for byte in row.sha256 {
        let _ = write!(sha256, "{byte:02x}");
    }
    FileInfo { id: row.id, name: row.name, size: row.size, media_type: row.media_type, sha256 }
}

/// The attachments of a message: complete, the sender's own, and made for this conversation.
pub async fn attachments(
    node: &Node,
    user: UserId,
    conversation: ConversationId,
    ids: &[FileId],
) -> Result<Vec<Attachment>, Failure> {
    if ids.len() > node.chat.text_limits().attachments {
        return Err(Failure::invalid("attachments", "has more files than are allowed"));
    }
    let mut attachments = Vec::with_capacity(ids.len());
    for id in ids {
        let row = node.backends.store.file(*id).await?;
        let usable = row.filter(|row| {
            row.owner == user && row.conversation == Some(conversation) && row.state == FileState::Complete
        });
        let row = usable.ok_or_else(|| {
            Failure::invalid("attachments", "has a file that is not a completed one of yours for this conversation")
        })?;
        attachments.push(Attachment { id: row.id, name: row.name, size: row.size, media_type: row.media_type });
    }
    Ok(attachments)
}
