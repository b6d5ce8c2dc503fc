//! The WebSocket gateway: `GET /v1/ws`.

mod depth;
mod dispatch;
mod handshake;
mod hello;
mod io;
mod session;

pub use handshake::upgrade;
