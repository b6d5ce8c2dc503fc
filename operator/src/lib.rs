//! The operator of `ChatCluster` resources.

pub mod apply;
pub mod cache;
pub mod calls;
pub mod drain;
pub mod election;
pub mod metrics;
pub mod scrape;
