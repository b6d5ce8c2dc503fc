//! Between the domain's types and columns.

use chat_core::{ConversationKind, MessageBody, MessageKind, Role, Timestamp};
use chat_ports::PortError;
use scylla::value::{CqlTimestamp, MaybeUnset};

use crate::failure::{corrupt, refused};

/// Above every log position that a write may carry as its timestamp: what is written here wins whenever it comes.
pub const ABOVE_ALL: i64 = 1 << 60;

pub fn time(at: Timestamp) -> CqlTimestamp {
    CqlTimestamp(at.millis())
}

pub fn timestamp(at: CqlTimestamp) -> Timestamp {
    Timestamp::from_millis(at.0)
}

/// Unset instead of null: a null would be a tombstone.
pub fn set<T>(value: Option<T>) -> MaybeUnset<T> {
    value.map_or(MaybeUnset::Unset, MaybeUnset::Set)
}

/// A column that every row of this table has.
pub fn have<T>(column: Option<T>, name: &str) -> Result<T, PortError> {
    column.ok_or_else(|| corrupt(format_args!("a row has no {name}")))
}

pub fn role(text: &str) -> Result<Role, PortError> {
    Role::from_text(text).ok_or_else(|| corrupt(format_args!("{text:?} is no role")))
}

pub fn message_kind(text: &str) -> Result<MessageKind, PortError> {
    MessageKind::from_text(text).ok_or_else(|| corrupt(format_args!("{text:?} is no kind of message")))
}

pub fn conversation_kind(text: &str) -> Result<ConversationKind, PortError> {
    ConversationKind::from_text(text).ok_or_else(|| corrupt(format_args!("{text:?} is no kind of conversation")))
}

pub fn json(body: &MessageBody) -> Result<String, PortError> {
    serde_json::to_string(body).map_err(refused)
}

/// Empty where a deletion took it.
pub fn body(text: &str) -> Result<MessageBody, PortError> {
    if text.is_empty() { Ok(MessageBody::default()) } else { serde_json::from_str(text).map_err(corrupt) }
}

/// A count or limit as Cassandra takes it.
pub fn limit(value: usize) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
