//! REST under `/v1`: one file a resource, each with its `router()`.

pub mod auth;
mod caller;
pub mod conversations;
mod extract;
pub mod files;
pub mod messages;
mod problem;
pub mod users;

use std::sync::Arc;

use axum::Router;

pub use caller::check_origin;
pub use extract::{Body, Query};

use crate::Node;

pub fn router() -> Router<Arc<Node>> {
    auth::router()
        .merge(users::router())
        .merge(conversations::router())
        .merge(messages::router())
        .merge(files::router())
}
