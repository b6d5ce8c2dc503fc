//! What the decision on writers is given.

use std::sync::Arc;

use scaling::writers::{Phase, Pod, Reading, Sample, Spec};

use crate::api::ChatClusterSpec;
use crate::autoscale::fleet::Fleet;
use crate::autoscale::gateways::PERIOD_SECONDS;
use crate::cache::pods::PodView;
use crate::scrape::load::State;
use crate::scrape::series::Series;

pub fn spec(cluster: &ChatClusterSpec) -> Spec {
    let writers = cluster.writers();
    let max = cluster.writers_max();
    Spec {
        min: writers.min,
        max,
        partitions: cluster.kafka.as_ref().map_or(max, |kafka| kafka.partitions),
        lag_seconds: f64::from(writers.target.lag_seconds),
        drain_seconds: f64::from(writers.target.drain_seconds),
        stabilization_seconds: f64::from(writers.scale_down.stabilization_seconds),
        period_seconds: PERIOD_SECONDS,
    }
}

/// `clock` is monotonic, `now` is the Unix time; both in seconds.
pub fn sample(fleet: &Fleet, pods: &[Arc<PodView>], current: u32, clock: f64, now: f64) -> Sample {
    let pods = pods
        .iter()
        .filter(|pod| !pod.ended && !pod.terminating)
        .map(|pod| {
            let series = fleet.of(pod);
            let reading = series.filter(|series| series.answered.is_some()).map(reading);
            let believed = series.and_then(|series| series.believed);
            let age_seconds = believed.map_or(now - pod.created, |at| clock - at).max(0.0);
            let joining = series.and_then(Series::state) == Some(State::Starting);
            let phase = if pod.ready() && !joining { Phase::Serving } else { Phase::Booting };
            Pod { name: pod.name.clone(), phase, age_seconds, reading }
        })
        .collect();
    Sample { now, current, pods }
}

fn reading(series: &Series) -> Reading {
    let load = &series.load;
    Reading {
        partitions: u32::try_from(load.partitions.len()).unwrap_or(u32::MAX),
        lag_records: load.lag_records.unwrap_or(0.0),
        lag_seconds: load.lag_seconds.unwrap_or(0.0),
        records_per_second: series.rates.records,
        busy: (series.has_rates() && load.batch_seconds_total.is_some()).then(|| series.rates.busy.min(1.0)),
        store_blocked: load.store_blocked,
        joining: load.state == State::Starting,
    }
}
