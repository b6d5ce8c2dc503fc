//! `operator run|crd|simulate|explain`.

fn main() {}
