//! How many gateways.

mod types;

pub use types::{
    Bound, Decision, Direction, Flag, Inputs, Memory, PerPod, Phase, Pod, Problem, Reading, Resource, Sample, Spec,
    Step, Target,
};

/// Decides how many gateways should serve.
///
/// Total: it has no error and does not panic, whatever the sample holds. Readings that can't be true are clamped and
/// named in [`Decision::flags`].
pub fn decide(spec: &Spec, memory: &Memory, sample: &Sample) -> Decision {
    types::unchanged(spec, memory, sample)
}
