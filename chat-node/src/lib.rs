//! The chat node: WebSocket gateway and REST API.
//!
//! Arrows go one way: `cli` → `app` → (`rest`, `ws`, `admin`) → (`auth`, `chat`, `files`) → `live` → ports.

pub mod admin;
pub mod app;
pub mod auth;
mod backend_health;
pub mod blobs;
pub mod chat;
pub mod cli;
pub mod config;
pub mod drain;
pub mod failure;
pub mod files;
pub mod import;
mod joining;
mod lease;
pub mod listener;
pub mod live;
mod load;
pub mod logins;
mod memberships;
pub mod metrics;
pub mod node;
mod node_channel;
pub mod openapi;
pub mod positions;
mod readiness;
pub mod rest;
mod spa;
pub mod ws;

pub use failure::Failure;
pub use node::{Backends, Node};
