//! Live delivery: connections, what waits for them, and who gets what.
//!
//! An event is encoded once per conversation; every connection's queue shares the same bytes. One flusher per worker
//! thread writes whole queues: at once when there is little to do, many frames in one system call when there is much.

mod connection;
mod connections;
mod delivery;
mod flusher;
mod heartbeat;
mod hub;
mod hubs;
mod outbox;
mod rechecks;
mod turns;
mod watchers;
mod ws_frame;

pub use connection::{Connection, ConnectionInfo, NotAttached};
pub use connections::Connections;
pub use delivery::Delivery;
pub use flusher::Flushers;
pub use heartbeat::Heartbeats;
pub use hub::{Attached, Hub};
pub use hubs::Hubs;
pub use outbox::{Closing, Outbox, QueueLimits};
pub use rechecks::Rechecks;
pub use watchers::Watchers;
pub use ws_frame::{close_frame, ping_frame, text_frame};
