//! One simulated person: REST calls, and a socket that reconnects and resumes.

mod dial;
mod frame;
mod rest;
mod shared;
mod socket;

pub use frame::{Delivery, Incoming};
pub use rest::{Account, Http, RestError, position};
pub use shared::{Server, Shared, Stats};
pub use socket::{Client, Command};
