//! The operator against a real API server: `ELASTIC_CHAT_TEST_KUBECONFIG=FILE`, or `./dev test`.

// Async, as the calls beside it are; and what a test knows the range of.
#![allow(
    clippy::unused_async,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    clippy::result_large_err
)]

mod children;
mod draining;
mod gitops;
mod kubelet;
mod leading;
mod many;
mod networking;
mod operations;
mod outage;
mod real;
mod reconcile;
mod rig;
mod scale;
mod schema;
mod spiking;
mod world;
