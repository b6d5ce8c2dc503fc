//! The operator of `ChatCluster` resources.

pub mod api;
pub mod cli;
