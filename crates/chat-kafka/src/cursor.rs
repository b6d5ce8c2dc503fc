//! Cursors on their way through `chat.cursors`.

use bytes::Bytes;
use chat_core::{ConversationId, ReadCursor, UserId};
use chat_ports::CursorUpdate;
use serde::{Deserialize, Serialize};

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    conversation: ConversationId,
    user: UserId,
    #[serde(flatten)]
    cursor: ReadCursor,
}

/// Why bytes are not a cursor.
#[derive(Debug, thiserror::Error)]
pub enum DecodeCursorError {
    #[error("the cursor has version {0}, this build reads {VERSION}")]
    UnknownVersion(u32),
    #[error("the cursor is not readable: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Compaction keeps the newest of each.
pub fn key(update: &CursorUpdate) -> String {
    format!("{}/{}", update.conversation, update.user)
}

pub fn encode(update: &CursorUpdate) -> Bytes {
    let CursorUpdate { conversation, user, cursor } = *update;
    match serde_json::to_vec(&Wire { v: VERSION, conversation, user, cursor }) {
        Ok(json) => Bytes::from(json),
        Err(error) => unreachable!("a cursor has string keys and integers: {error}"),
    }
}

/// Reads the value of a record of the cursors topic.
///
/// # Errors
/// Another version, or no cursor at all.
pub fn decode(bytes: &[u8]) -> Result<CursorUpdate, DecodeCursorError> {
    #[derive(Deserialize)]
    struct VersionOnly {
        v: u32,
    }
    let VersionOnly { v } = serde_json::from_slice(bytes)?;
    if v != VERSION {
        return Err(DecodeCursorError::UnknownVersion(v));
    }
    let Wire { conversation, user, cursor, .. } = serde_json::from_slice(bytes)?;
    Ok(CursorUpdate { conversation, user, cursor })
}

#[cfg(test)]
mod tests {
    use chat_core::Seq;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn cursors_round_trip() {
        let update = CursorUpdate {
            conversation: ConversationId::new(Uuid::from_u128(1)),
            user: UserId::new(Uuid::from_u128(2)),
            cursor: ReadCursor { read: Seq::new(3), delivered: Seq::new(4) },
        };
        assert_eq!(decode(&encode(&update)).expect("own bytes"), update);
        assert!(matches!(decode(br#"{"v":2}"#), Err(DecodeCursorError::UnknownVersion(2))));
        assert!(decode(b"\xff").is_err());
    }

    /// What version 1 wrote: `docs/reference/versions.md`.
    #[test]
    fn cursors_of_version_1_are_read_and_written_as_they_were() {
        let old = r#"{"v":1,"conversation":"00000000-0000-7000-8000-000000000001","user":"00000000-0000-7000-8000-000000000002","read":52776558133265,"delivered":52776558133266}"#;
        let update = decode(old.as_bytes()).expect("readable");
        assert_eq!(
            (update.cursor.read, update.cursor.delivered),
            (Seq::new(52_776_558_133_265), Seq::new(52_776_558_133_266))
        );
        assert_eq!(encode(&update), old.as_bytes());
        let newer = old.replacen('{', r#"{"x_later":{"deep":[1]},"#, 1);
        assert_eq!(decode(newer.as_bytes()).expect("unknown fields are ignored"), update);
    }
}
