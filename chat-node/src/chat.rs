//! What people do in conversations: the same code behind REST and WebSocket.

mod access;
mod attempts;
mod changes;
mod conversations;
mod cursors;
mod history;
mod members;
mod post;
mod presence;
mod summary;

pub use access::{Access, Chat};
pub use post::{Draft, Submitted};
pub use summary::profile;

/// The answers to groups larger than this leave out what grows with the square of the members: who read what.
pub const RECEIPT_MEMBERS: u64 = 200;
