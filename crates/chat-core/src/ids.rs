use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Timestamp;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    #[error("is not a UUID")]
    NotAUuid,
    #[error("must have 1 to {max} characters of A-Z a-z 0-9 . _ : -")]
    BadName { max: usize },
}

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn new(id: Uuid) -> Self {
                Self(id)
            }
            pub const fn uuid(self) -> Uuid {
                self.0
            }
            /// Sixteen bytes, for keys of a store.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Uuid::try_parse(text).map(Self).map_err(|_| IdError::NotAUuid)
            }
        }
    )*};
}

uuid_id! {
    /// A person or bot with an account.
    UserId,
    /// A pair or a group.
    ConversationId,
    /// A message, given by the server; stable across edits.
    MessageId,
    /// Made by the client for each thing it sends, and repeated when it retries: one effect per (author, id).
    ClientMsgId,
    /// A login: one refresh-token family.
    SessionId,
    /// An uploaded file.
    FileId,
}

/// An id that claims to be younger than this was hardly sent before, in milliseconds.
const NEW_MS: u64 = 2_000;

impl ClientMsgId {
    /// Is this hardly a retry? A UUIDv7 of the last two seconds is taken for a first attempt, as far as nobody knows of
    /// an earlier one. Any other id, also one from the future, may have been sent before: look for it.
    pub fn certainly_new(&self, now: Timestamp) -> bool {
        let Some((seconds, nanos)) = self.0.get_timestamp().map(|made| made.to_unix()).filter(|_| self.is_v7()) else {
            return false;
        };
        let made = i64::try_from(seconds * 1_000 + u64::from(nanos) / 1_000_000).unwrap_or(i64::MAX);
        now.millis().abs_diff(made) <= NEW_MS
    }

    fn is_v7(&self) -> bool {
        self.0.get_version_num() == 7
    }
}

macro_rules! name_id {
    ($($(#[$doc:meta])* $name:ident max $max:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
                if text.is_empty() || text.len() > $max || !text.bytes().all(allowed) {
                    return Err(IdError::BadName { max: $max });
                }
                Ok(Self(text))
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

name_id! {
    /// A chat node, unique in its cluster.
    NodeId max 64,
    /// One tab or app installation of a user, chosen by the client.
    DeviceId max 64,
    /// A life of a conversation's tail: changes whenever the tail was lost, so that `rev`s of different lives are never compared.
    Epoch max 32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_reject_what_could_break_a_key() {
        for bad in ["", "a b", "a/b", "{x}", "ü", &"x".repeat(65)] {
            assert!(bad.parse::<NodeId>().is_err(), "{bad:?}");
        }
        assert_eq!("node-1.a:b_C".parse::<NodeId>().expect("valid").as_str(), "node-1.a:b_C");
    }

    #[test]
    fn a_wrong_uuid_says_so() {
        assert_eq!("123".parse::<UserId>(), Err(IdError::NotAUuid));
    }

    #[test]
    fn only_a_version_7_id_of_now_is_certainly_new() {
        let id = |version: u8, ms: i64| {
            let mut bytes = [0x11; 16];
            bytes[..6].copy_from_slice(&ms.to_be_bytes()[2..]);
            (bytes[6], bytes[8]) = (version << 4 | 1, 0x81);
            ClientMsgId::from_bytes(bytes)
        };
        let made = 1_700_000_000_000;
        let now = Timestamp::from_millis(made);
        for offset in [0, 2_000, -2_000] {
            assert!(id(7, made + offset).certainly_new(now), "{offset}");
        }
        for offset in [2_001, -2_001] {
            assert!(!id(7, made + offset).certainly_new(now), "{offset}");
        }
        assert!(!id(4, made).certainly_new(now), "only version 7 has a time");
    }
}
