//! The ports: what the chat node and the writer need of the systems behind them.
//!
//! * [`MessageLog`] orders and makes durable (Kafka; a SQLite table).
//! * [`LiveTail`] holds each conversation's newest events and carries hints between nodes (Redis; memory). All of it may
//!   be lost at any moment without losing an acknowledged message.
//! * [`ChatStore`] remembers (Cassandra; SQLite).
//! * [`Directory`] knows who is connected where, and counts for the rate limits (Redis; memory).
//!
//! Every adapter passes the same suites, in [`contract`] behind the feature `testing`.
//!
//! Cancellation: dropping the future of a write may or may not have done it; every write here can be repeated safely.

mod clock;
#[cfg(feature = "testing")]
pub mod contract;
mod directory;
mod failure;
mod log;
mod rate;
pub mod store;
mod tail;

pub use clock::Clock;
pub use directory::{
    ConnectionId, Directory, Lease, PresenceChange, PresenceReading, Quota, QuotaParseError, RateDecision, Renewal,
};
pub use failure::PortError;
pub use log::{CursorUpdate, MessageLog};
pub use rate::RateLimits;
pub use store::ChatStore;
pub use tail::{Appended, Claim, LiveTail, Repaired, Since, TailEvent, TailHead};
