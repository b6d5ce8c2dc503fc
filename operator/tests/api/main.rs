//! The operator against a real API server: `ELASTIC_CHAT_TEST_KUBECONFIG=FILE`, or `./dev test`.

mod children;
mod draining;
mod kubelet;
mod leading;
mod many;
mod reconcile;
mod rig;
mod scale;
mod schema;
mod spiking;
mod world;
