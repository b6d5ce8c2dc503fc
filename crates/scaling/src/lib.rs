//! The decision engine: how many gateways and writers the traffic of the next half minute needs.
//!
//! Pure: no clock, no I/O, no randomness. Whoever calls gives the time, the readings and the memory of the last
//! decision, and keeps the memory that comes back. Times are seconds of one clock of the caller's; use seconds since
//! the Unix epoch, so that a memory that was written down is still right after a restart on another machine.

pub mod gateways;
pub mod policies;
pub mod replay;
pub mod writers;

mod window;

/// Keeps the JSON of a memory short, and the number the same after a round trip through it.
fn rounded(value: f64) -> f64 {
    (value * 1e5).round() / 1e5
}

/// Whole pods, and never one for a rounding error.
fn whole_pods(fraction: f64) -> u32 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates, and NaN becomes 0
    let whole = (fraction - 1e-6).ceil().max(0.0) as u32;
    whole
}
