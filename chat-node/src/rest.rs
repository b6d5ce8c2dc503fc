//! REST under `/v1`: one file a resource, each with its `router()`.

mod extract;
mod problem;

pub use extract::{Body, Query};
