//! The operator against a real API server: `ELASTIC_CHAT_TEST_KUBECONFIG=FILE`, or `./dev test`.

mod children;
mod rig;
mod scale;
mod schema;
