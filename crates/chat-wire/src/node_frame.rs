use bytes::Bytes;
use chat_core::{ConversationId, Epoch, Rev, Seq, SessionId, UserId};
use serde::{Deserialize, Serialize};

/// What one node tells another, packed many to a publish. Losing one costs time, never a message: positions are
/// compared and holes read back from the tail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum NodeFrame {
    /// An event was appended to a conversation's tail. `event` is the JSON of a [`chat_core::Event`].
    Event {
        conversation: ConversationId,
        epoch: Epoch,
        rev: Rev,
        seq: Seq,
        #[serde(with = "json_text")]
        event: Bytes,
    },
    /// A ready-made server frame for everybody in a conversation but `except` (receipts, typing).
    ToConversation {
        conversation: ConversationId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        except: Option<UserId>,
        #[serde(with = "json_text")]
        frame: Bytes,
    },
    /// A ready-made server frame for every connection of a user.
    ToUser {
        user: UserId,
        #[serde(with = "json_text")]
        frame: Bytes,
    },
    /// A ready-made `presence` frame for those who watch `user` on the target node.
    ToWatchers {
        user: UserId,
        #[serde(with = "json_text")]
        frame: Bytes,
    },
    /// The user's memberships changed: attach to or detach from the conversation.
    Membership { user: UserId, conversation: ConversationId, member: bool },
    /// A login ended: close its connections. Without a session, all of the user's.
    Revoked {
        user: UserId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<SessionId>,
        /// A session that stays, when all others end.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keep: Option<SessionId>,
    },
}

/// The bytes are not a list of node frames of this version.
#[derive(Debug, thiserror::Error)]
#[error("node frames are not readable: {0}")]
pub struct DecodeNodeFrameError(#[from] serde_json::Error);

impl NodeFrame {
    /// The tags that this version knows.
    pub const TYPES: [&'static str; 6] =
        ["event", "to_conversation", "to_user", "to_watchers", "membership", "revoked"];

    /// Many frames in one publish.
    pub fn encode_packed(frames: &[Self]) -> Bytes {
        match serde_json::to_vec(frames) {
            Ok(json) => Bytes::from(json),
            Err(error) => unreachable!("node frames have string keys and finite numbers: {error}"),
        }
    }

    /// Reads what another node packed. Frames of a type that only newer nodes know are left out: in a rolling upgrade they
    /// must not cost what came with them.
    ///
    /// # Errors
    /// It is no list of frames, or one of a known type is not readable.
    pub fn decode_packed(bytes: &[u8]) -> Result<Vec<Self>, DecodeNodeFrameError> {
        match serde_json::from_slice(bytes) {
            Ok(frames) => Ok(frames),
            Err(error) => Self::decode_known(bytes).unwrap_or(Err(error)).map_err(Into::into),
        }
    }

    /// The slow way, which only a pack with an unknown type takes; `None` when that is not what is wrong.
    fn decode_known(bytes: &[u8]) -> Option<Result<Vec<Self>, serde_json::Error>> {
        let mut list: Vec<serde_json::Value> = serde_json::from_slice(bytes).ok()?;
        let count = list.len();
        list.retain(|frame| frame["t"].as_str().is_none_or(|tag| Self::TYPES.contains(&tag)));
        (list.len() < count).then(|| list.into_iter().map(serde_json::from_value).collect())
    }
}

/// JSON in JSON, as text: the receiver passes it on as it is.
mod json_text {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, ser};

    pub fn serialize<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(std::str::from_utf8(bytes).map_err(|_| ser::Error::custom("is not UTF-8"))?)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        Ok(Bytes::from(String::deserialize(deserializer)?))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn packed_frames_round_trip() {
        let frames = vec![
            NodeFrame::Event {
                conversation: ConversationId::new(Uuid::from_u128(1)),
                epoch: "e".parse().expect("valid"),
                rev: Rev::new(1),
                seq: Seq::new(2),
                event: Bytes::from_static(br#"{"a":"\"quoted\""}"#),
            },
            NodeFrame::Membership {
                user: UserId::new(Uuid::nil()),
                conversation: ConversationId::new(Uuid::nil()),
                member: true,
            },
        ];
        assert_eq!(NodeFrame::decode_packed(&NodeFrame::encode_packed(&frames)).expect("own bytes"), frames);
        assert_eq!(NodeFrame::decode_packed(b"[{\"t\":\"later\"}]").expect("a newer node's"), vec![]);
        assert!(NodeFrame::decode_packed(b"[{\"t\":7}]").is_err());
    }
}
