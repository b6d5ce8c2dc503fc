//! Bringing in conversations from elsewhere, through the same log and projector as live messages.

mod clock;
mod irc;
mod line;
mod speakers;

pub use irc::{ImportError, ImportReport, IrcImport};
pub use line::{Line, parse_line};
