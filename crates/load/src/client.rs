//! One simulated person: REST calls, and a socket that reconnects and resumes.

mod frame;
mod rest;
mod socket;

pub use frame::Incoming;
pub use rest::{Account, Http, RestError};
pub use socket::{Client, Command, Shared, Stats};
