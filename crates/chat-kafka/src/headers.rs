use chat_wire::{LogRecord, RECORD_VERSION};
use rdkafka::message::{Header, OwnedHeaders};

pub const SCHEMA: &str = "schema";
pub const CLIENT_MSG_ID: &str = "client_msg_id";
pub const ACTOR: &str = "actor";
pub const ORIGIN: &str = "origin";
const TRACEPARENT_HEADER: &str = "traceparent";

tokio::task_local! {
    /// The W3C trace context of the request under way. Set around the first poll of an append, it goes along as a header.
    pub static TRACEPARENT: String;
}

pub fn with(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header { key, value: Some(value) })
}

/// For whoever looks at the log without reading its values.
pub fn of_record(record: &LogRecord, origin: &str) -> OwnedHeaders {
    let mut headers = OwnedHeaders::new();
    headers = with(headers, SCHEMA, &RECORD_VERSION.to_string());
    headers = with(headers, ACTOR, &record.actor.to_string());
    headers = with(headers, ORIGIN, origin);
    if let Some(id) = record.client_msg_id {
        headers = with(headers, CLIENT_MSG_ID, &id.to_string());
    }
    if let Ok(context) = TRACEPARENT.try_with(Clone::clone) {
        headers = with(headers, TRACEPARENT_HEADER, &context);
    }
    headers
}
