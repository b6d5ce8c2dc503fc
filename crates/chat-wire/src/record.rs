use bytes::Bytes;
use chat_core::{ClientMsgId, ConversationId, Event, EventBody, Seq, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// The version that this build writes. It reads this one only: others go to the dead letter.
pub const RECORD_VERSION: u32 = 1;

/// One record of the log: an [`Event`] before it has its `seq`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRecord {
    pub conversation: ConversationId,
    pub at: Timestamp,
    pub actor: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_msg_id: Option<ClientMsgId>,
    #[serde(flatten)]
    pub body: EventBody,
}

/// Why bytes of the log are not a record.
#[derive(Debug, thiserror::Error)]
pub enum DecodeRecordError {
    #[error("the record has version {found}, this build reads {RECORD_VERSION}")]
    UnknownVersion { found: u32 },
    #[error("the record is not readable: {0}")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct VersionedRef<'a> {
    v: u32,
    #[serde(flatten)]
    record: &'a LogRecord,
}

#[derive(Deserialize)]
struct VersionOnly {
    v: u32,
}

impl LogRecord {
    pub fn encode(&self) -> Bytes {
        match serde_json::to_vec(&VersionedRef { v: RECORD_VERSION, record: self }) {
            Ok(json) => Bytes::from(json),
            Err(error) => unreachable!("records have string keys and finite numbers: {error}"),
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeRecordError> {
        let VersionOnly { v } = serde_json::from_slice(bytes)?;
        if v != RECORD_VERSION {
            return Err(DecodeRecordError::UnknownVersion { found: v });
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    pub fn into_event(self, seq: Seq) -> Event {
        let Self { conversation, at, actor, client_msg_id, body } = self;
        Event { conversation, seq, at, actor, client_msg_id, body }
    }
}

#[cfg(test)]
mod tests {
    use chat_core::{MessageBody, MessageId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn record(text: String, id: u128) -> LogRecord {
        LogRecord {
            conversation: ConversationId::new(Uuid::from_u128(id)),
            at: Timestamp::from_millis(1),
            actor: UserId::new(Uuid::from_u128(2)),
            client_msg_id: Some(ClientMsgId::new(Uuid::from_u128(3))),
            body: EventBody::Message { id: MessageId::new(Uuid::from_u128(4)), body: MessageBody::text(text) },
        }
    }

    proptest! {
        #[test]
        fn round_trips(text in any::<String>(), id in any::<u128>()) {
            let record = record(text, id);
            prop_assert_eq!(LogRecord::decode(&record.encode()).expect("own bytes"), record);
        }

        #[test]
        fn hostile_bytes_are_an_error_and_never_a_panic(cut in 0usize..200, flip in 0usize..200, to in any::<u8>()) {
            let mut bytes = record("hello".into(), 1).encode().to_vec();
            let at = flip % bytes.len();
            bytes[at] = to;
            bytes.truncate(cut);
            let _ = LogRecord::decode(&bytes);
        }
    }

    #[test]
    fn another_version_is_told_from_garbage() {
        let newer = br#"{"v":2,"something":"else"}"#;
        assert!(matches!(LogRecord::decode(newer), Err(DecodeRecordError::UnknownVersion { found: 2 })));
        assert!(matches!(LogRecord::decode(b"\xff"), Err(DecodeRecordError::Malformed(_))));
    }
}
