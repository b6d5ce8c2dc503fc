//! On a real kubelet. `./dev test --only cluster` starts what they need: a cluster with the images, the charts and the operator,
//! and real servers beside it.

mod distributed;
mod embedded;
mod operator;
