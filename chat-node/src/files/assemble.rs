use chat_core::FileId;
use chat_ports::store::FileRow;
use chat_wire::ErrorCode;
use futures_util::StreamExt as _;
use object_store::{ObjectStoreExt as _, PutPayload};
use sha2::{Digest as _, Sha256};

use super::{CHUNK, blob_failure, file_path, part_count, part_path, sniff};
use crate::{Backends, Failure};

/// How much of the beginning tells the type.
const HEAD: usize = 16;

/// Writes the file from its parts and checks size and hash on the way; nothing is visible unless they are right. The
/// media type as the bytes tell it.
pub async fn assemble(backends: &Backends, row: &FileRow) -> Result<String, Failure> {
    let target = file_path(row.id);
    let mut upload = backends.blobs.put_multipart(&target).await.map_err(|error| blob_failure(&error))?;
    let copied = copy(backends, row, upload.as_mut()).await;
    match copied {
        Ok((hash, media_type)) if hash == row.sha256 => {
            upload.complete().await.map_err(|error| blob_failure(&error))?;
            Ok(media_type)
        }
        other => {
            if let Err(error) = upload.abort().await {
                tracing::debug!(%error, "a file that was refused left a temporary one");
            }
            other?;
            // The client may send the parts again.
            drop_parts(backends, row).await;
            Err(Failure::new(
                ErrorCode::ChecksumMismatch,
                "the bytes do not have the declared SHA-256; send them again",
            ))
        }
    }
}

async fn copy(
    backends: &Backends,
    row: &FileRow,
    upload: &mut dyn object_store::MultipartUpload,
) -> Result<([u8; 32], String), Failure> {
    let (mut hash, mut head, mut chunk) = (Sha256::new(), Vec::new(), Vec::new());
    for part in 1..=u32::try_from(part_count(row)).unwrap_or(u32::MAX) {
        let got = backends.blobs.get(&part_path(row.id, part)).await.map_err(|error| blob_failure(&error))?;
        let mut bytes = got.into_stream();
        while let Some(bytes) = bytes.next().await {
            let bytes = bytes.map_err(|error| blob_failure(&error))?;
            hash.update(&bytes);
            head.extend(bytes.iter().take(HEAD - head.len().min(HEAD)));
            chunk.extend_from_slice(&bytes);
            if chunk.len() >= CHUNK {
                let full = PutPayload::from(std::mem::take(&mut chunk));
                upload.put_part(full).await.map_err(|error| blob_failure(&error))?;
            }
        }
    }
    if !chunk.is_empty() {
        upload.put_part(PutPayload::from(chunk)).await.map_err(|error| blob_failure(&error))?;
    }
    Ok((hash.finalize().into(), sniff::settle(&head, &row.media_type)))
}

pub async fn drop_file(backends: &Backends, id: FileId) {
    match backends.blobs.delete(&file_path(id)).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
        Err(error) => tracing::warn!(file = %id, %error, "a file that was given up could not be removed"),
    }
}

pub async fn drop_parts(backends: &Backends, row: &FileRow) {
    for part in 1..=u32::try_from(part_count(row)).unwrap_or(u32::MAX) {
        match backends.blobs.delete(&part_path(row.id, part)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => tracing::warn!(file = %row.id, part, %error, "a part of an upload could not be removed"),
        }
    }
}
