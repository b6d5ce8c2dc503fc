//! The command line.

pub mod crd;
pub mod simulate;
