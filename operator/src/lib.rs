//! The operator of `ChatCluster` resources.

pub mod admin;
pub mod api;
pub mod apply;
pub mod autoscale;
pub mod cache;
pub mod calls;
pub mod children;
pub mod cli;
pub mod clusters;
pub mod context;
pub mod controller;
pub mod drain;
pub mod election;
pub mod events;
pub mod metrics;
pub mod rebalance;
pub mod runtime;
pub mod scrape;
pub mod status;
