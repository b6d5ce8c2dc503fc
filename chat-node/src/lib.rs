//! The chat node: WebSocket gateway and REST API.
//!
//! Arrows go one way: `cli` → `app` → (`rest`, `ws`, `admin`) → (`auth`, `chat`, `files`) → `live` → ports.

pub mod config;
pub mod failure;
pub mod node;
pub mod rest;

pub use failure::Failure;
pub use node::{Backends, Node};
