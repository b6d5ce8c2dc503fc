//! The policies that a replay compares. The baselines follow what their makers publish, with its defaults;
//! `docs/reference/scaling.md` says where each rule is from.

mod agones;
mod elastic;
mod hpa;
mod keda;
mod kpa;

pub use agones::Agones;
pub use elastic::Elastic;
pub use hpa::Hpa;
pub use keda::Keda;
pub use kpa::Kpa;

use crate::replay::{Policy, World};

/// Names of all policies, ours first.
pub const NAMES: [&str; 5] = ["elastic", "hpa", "keda", "kpa", "agones"];

/// A fresh policy. `None` for an unknown name.
pub fn by_name(name: &str, world: &World) -> Option<Box<dyn Policy>> {
    Some(match name {
        "elastic" => Box::new(Elastic::new(world)),
        "hpa" => Box::new(Hpa::new()),
        "keda" => Box::new(Keda::new()),
        "kpa" => Box::new(Kpa::new()),
        "agones" => Box::new(Agones),
        _ => return None,
    })
}
