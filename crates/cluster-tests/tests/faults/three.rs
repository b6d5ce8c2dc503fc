//! On three servers of each kind.

mod network;
mod replicas;
