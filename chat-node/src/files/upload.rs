use axum::body::Body;
use chat_core::FileId;
use chat_ports::store::FileState;
use chat_wire::ErrorCode;
use http_body_util::BodyExt as _;
use object_store::{MultipartUpload, ObjectStoreExt as _, PutPayload};

use super::{CHUNK, Files, blob_failure, part_bytes, part_path};
use crate::Failure;

/// Silence after which an upload is given up.
const IDLE: std::time::Duration = std::time::Duration::from_secs(30);

impl Files {
    /// Takes the bytes of one part. Only a whole one becomes visible; it replaces what was there. The link was checked.
    pub async fn receive(&self, id: FileId, part: u32, declared: Option<u64>, body: Body) -> Result<(), Failure> {
        let row = self.backends.store.file(id).await?.ok_or_else(|| Failure::not_found("file"))?;
        if row.state == FileState::Complete {
            return Err(Failure::new(ErrorCode::Conflict, "the file is complete already"));
        }
        let expected = part_bytes(&row, part).ok_or_else(|| Failure::not_found("part"))?;
        if declared.is_some_and(|bytes| bytes != expected) {
            let detail = format!("this part must have {expected} bytes");
            let code = if declared > Some(expected) { ErrorCode::TooLarge } else { ErrorCode::ChecksumMismatch };
            return Err(Failure::new(code, detail));
        }
        let path = part_path(id, part);
        let mut upload = self.backends.blobs.put_multipart(&path).await.map_err(|error| blob_failure(&error))?;
        match write(upload.as_mut(), body, expected).await {
            Ok(()) => upload.complete().await.map(drop).map_err(|error| blob_failure(&error)),
            Err(failure) => {
                if let Err(error) = upload.abort().await {
                    tracing::debug!(%error, "an upload that was cut off left a temporary file");
                }
                Err(failure)
            }
        }
    }
}

async fn write(upload: &mut dyn MultipartUpload, mut body: Body, expected: u64) -> Result<(), Failure> {
    let (mut total, mut gathered) = (0u64, Vec::with_capacity(CHUNK.min(usize::try_from(expected).unwrap_or(CHUNK))));
    loop {
        let frame = tokio::time::timeout(IDLE, body.frame()).await;
        let frame = frame.map_err(|_| Failure::new(ErrorCode::UploadIncomplete, "no bytes came for 30 s"))?;
        let Some(frame) = frame else { break };
        let cut = |_| Failure::new(ErrorCode::UploadIncomplete, "the upload was cut off");
        let Ok(bytes) = frame.map_err(cut)?.into_data() else { continue };
        total += bytes.len() as u64;
        if total > expected {
            return Err(Failure::new(ErrorCode::TooLarge, format!("this part must have {expected} bytes")));
        }
        gathered.extend_from_slice(&bytes);
        if gathered.len() >= CHUNK {
            let chunk = PutPayload::from(std::mem::take(&mut gathered));
            upload.put_part(chunk).await.map_err(|error| blob_failure(&error))?;
        }
    }
    if total != expected {
        return Err(Failure::new(ErrorCode::UploadIncomplete, format!("{total} of {expected} bytes came")));
    }
    if !gathered.is_empty() {
        upload.put_part(PutPayload::from(gathered)).await.map_err(|error| blob_failure(&error))?;
    }
    Ok(())
}
