//! Asks every pod what it does: fresh numbers are what a spike is met with.

pub mod client;
pub mod load;
pub mod series;
