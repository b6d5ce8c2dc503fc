//! What end-to-end tests are made of: a [`Space`] is a namespace with a ChatCluster, [`Talk`] are people whose history is
//! checked, and a [`Swarm`] is connections that come and go.

#![allow(clippy::missing_panics_doc, reason = "what does not go as it should is a panic: that is how a test fails")]

mod chat;
mod space;
mod strain;
mod swarm;
mod talk;

pub use chat::{distributed, embedded};
pub use space::{Space, until};
pub use strain::strain;
pub use swarm::Swarm;
pub use talk::Talk;
