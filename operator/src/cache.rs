//! What the API server has, as watches tell it: nothing is asked for twice.

pub mod children;
pub mod follow;
pub mod kinds;
pub mod patience;
pub mod pods;
