//! The operator of `ChatCluster` resources.
