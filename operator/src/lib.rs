//! The operator of `ChatCluster` resources.

pub mod api;
pub mod children;
pub mod cli;
