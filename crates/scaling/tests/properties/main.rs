//! What has to hold whatever the traffic does. Every random test prints its seed; `SCALING_SEED` replays one.

// Rates, seconds and counts of tests: whole, positive and far below what any of these types ends at.
#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

mod gateways;
mod random;
mod replay;
mod writers;
