//! What every service of the project has besides its purpose: logs, a look at its own process, a guarded admin port, a
//! clean end. Knows nothing of chat.

pub mod admin;
pub mod build;
pub mod loop_delay;
pub mod metrics;
pub mod process;
pub mod shutdown;
pub mod telemetry;
