//! How many writers.

mod types;

pub use types::{Bound, Decision, Direction, Flag, Inputs, Memory, Phase, Pod, Problem, Reading, Sample, Spec};

/// Decides how many writers should consume the log.
///
/// Total: it has no error and does not panic, whatever the sample holds.
pub fn decide(spec: &Spec, memory: &Memory, sample: &Sample) -> Decision {
    types::unchanged(spec, memory, sample)
}
