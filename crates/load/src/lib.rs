//! The load generator and its history checker.
//!
//! Open loop: every message has a time at which it should be sent, and latencies count from then, however late the
//! sending was (no coordinated omission). The checker watches every run.

pub mod bench;
pub mod client;
pub mod history;
pub mod machine;
pub mod report;
pub mod scenario;
