//! The decision engine: how many gateways and writers the traffic of the next half minute needs.
//!
//! Pure: no clock, no I/O, no randomness. Whoever calls gives the time, the readings and the memory of the last
//! decision, and keeps the memory that comes back. Times are seconds of one clock of the caller's; use seconds since
//! the Unix epoch, so that a memory that was written down is still right after a restart on another machine.

pub mod gateways;
pub mod writers;
