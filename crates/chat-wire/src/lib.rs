//! Client protocol v1 (frames and REST bodies) and the internal formats (log records, what nodes tell each other).
//!
//! The meaning of every frame and call is in `docs/reference/protocol.md`; the shapes are these types, from which
//! `docs/reference/openapi.json` and the web client's types are generated.

mod error;
mod frame;
mod node_frame;
mod page_cursor;
mod record;
pub mod rest;

pub use error::{ErrorCode, ErrorFrame, FieldError, Problem};
pub use frame::{
    ClientFrame, ConversationAction, GoawayReason, Hello, Limits, PresenceState, Resume, ResumePoint, SendBody,
    ServerFrame, SettableState, close_code, event_frame,
};
pub use node_frame::{DecodeNodeFrameError, NodeFrame};
pub use page_cursor::{BadCursor, decode_cursor, encode_cursor};
pub use record::{DecodeRecordError, LogRecord, RECORD_VERSION};

/// The WebSocket subprotocol that this crate speaks.
pub const SUBPROTOCOL: &str = "elastic-chat.v1.json";
