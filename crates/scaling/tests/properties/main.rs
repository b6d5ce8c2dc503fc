//! What has to hold whatever the traffic does. Every random test prints its seed; `SCALING_SEED` replays one.

mod gateways;
mod random;
mod replay;
mod writers;
