//! The decision in words.

use std::fmt::Write as _;

use super::load::Load;
use super::types::{Bound, Inputs, Spec};

/// One sentence, with the numbers.
pub(super) fn reason(
    spec: &Spec,
    current: u32,
    desired: u32,
    bound: Option<Bound>,
    load: &Load,
    inputs: &Inputs,
) -> String {
    let mut text = if desired == current {
        format!("{desired} writers are kept: ")
    } else {
        format!("{current} → {desired} writers: ")
    };
    let _ = write!(text, "{:.0} records/s come in", inputs.ingest_per_second);
    if load.lag_seconds > spec.lag_seconds {
        let _ = write!(
            text,
            ", a lag of {:.0} records ({:.0} s) should be gone in {:.0} s",
            inputs.lag_records, inputs.lag_seconds, spec.drain_seconds
        );
    }
    if inputs.rate_per_pod > 0.0 {
        let _ = write!(text, ", one writer stores {:.0}/s", inputs.rate_per_pod);
    } else {
        text += ", how much one writer stores is not known yet";
    }
    let _ = write!(text, ", {} of {} partitions each at most", inputs.partitions_per_pod, spec.partitions.max(1));
    if let Some(bound) = bound {
        let _ = write!(text, "; {}", held(spec, bound, inputs));
    }
    if let Some(first) = load.flags.first() {
        let _ = write!(text, "; {} of the readings can't be used, {} is the first", load.flags.len(), first.pod);
    }
    text
}

fn held(spec: &Spec, bound: Bound, inputs: &Inputs) -> String {
    let wanted = inputs.wanted_pods;
    match bound {
        Bound::Min => format!("not fewer than min {}", spec.min.max(1)),
        Bound::Max => format!("{wanted} are wanted, not more than max {}", spec.max),
        Bound::Partitions => format!("more than one writer for each of the {} partitions would idle", spec.partitions),
        Bound::Store => "more writers would not help: the store is the limit".to_owned(),
        Bound::Rebalance => format!("{wanted} are wanted once the partitions are handed over"),
        Bound::Stabilization => format!(
            "{wanted} would do, up to {:.0} records/s were to be stored within the last {:.0} s",
            inputs.window_per_second,
            super::stabilization_seconds(spec)
        ),
        Bound::MissingData => format!("{wanted} would do, nothing shrinks without all readings"),
    }
}
