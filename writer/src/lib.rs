//! The persistence worker: reads the log, brings it into the store, and repairs what the tail lacks.
//!
//! `cli` → `app` → `pipeline` → one lane for each partition: decode, project, store (`store_step`), tail (`tail_step`),
//! commit. Knows the ports only; `app` picks the adapters.

pub mod admin;
pub mod app;
mod backoff;
pub mod cli;
pub mod config;
mod cursors;
mod dead_letter;
mod events;
mod health;
mod letters;
mod memberships;
mod metrics;
mod pipeline;
mod recent;
mod store_step;
mod tail_step;

pub use dead_letter::{Replayed, replay};
pub use pipeline::{Backends, Limits};
