//! On three servers of each kind.

mod replicas;
