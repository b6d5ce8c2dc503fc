//! What the writer counts. Names and units are in `docs/reference/metrics.md`.

use std::sync::atomic::AtomicU64;

use chat_kafka::Lag;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

type Labels = Vec<(&'static str, String)>;
type Seconds = Gauge<f64, AtomicU64>;

#[derive(Debug, Default)]
pub struct Counters {
    pub records: Counter,
    pub batches: Counter,
    pub batch_seconds: Counter<f64, AtomicU64>,
    pub rows: Counter,
    pub cursors: Counter,
    pub store_retries: Counter,
    pub tail_retries: Counter,
    pub dead_letters: Counter,
    pub repaired: Counter,
    pub superseded: Counter,
    pub hints_lost: Counter,
    pub rewinds: Counter,
    pub assigned: Gauge,
    pub held_bytes: Gauge,
    pub lag_records: Gauge,
    pub lag_seconds: Seconds,
    pub uncommitted: Gauge,
    partition_records: Family<Labels, Gauge>,
    partition_seconds: Family<Labels, Seconds>,
    backends: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Counters {
    pub fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("writer");
        for (name, help, counter) in [
            ("records", "Records of the log that were dealt with", &self.records),
            ("batches", "Batches that the store took", &self.batches),
            ("rows", "Mutations that the store took", &self.rows),
            ("cursors", "Cursors put into the store, coalesced", &self.cursors),
            ("store_retries", "Attempts that the store could not answer", &self.store_retries),
            ("tail_retries", "Attempts that the tail could not answer", &self.tail_retries),
            ("dead_letters", "Records laid aside because they can't be projected", &self.dead_letters),
            ("repaired", "Events that the tail lacked", &self.repaired),
            ("superseded", "Second records of one send, not announced", &self.superseded),
            ("hints_lost", "Hints to nodes that could not be published", &self.hints_lost),
            ("rewinds", "Times that a partition was read again for the tail", &self.rewinds),
        ] {
            registry.register(name, help, counter.clone());
        }
        let seconds = self.batch_seconds.clone();
        registry.register("batch_seconds", "Time that the store took for these batches, all together", seconds);
        for (name, help, gauge) in [
            ("assigned_partitions", "Partitions of this writer", &self.assigned),
            ("held_bytes", "Bytes of records that wait or are in work", &self.held_bytes),
            ("lag_records", "Records of its partitions that the store does not have", &self.lag_records),
            ("uncommitted_records", "Records in the store whose tail step is owed or not committed", &self.uncommitted),
        ] {
            registry.register(name, help, gauge.clone());
        }
        registry.register("lag_seconds", "Age of the oldest record not in the store", self.lag_seconds.clone());
        let records = self.partition_records.clone();
        registry.register("partition_lag_records", "Records of a partition that the store does not have", records);
        let seconds = self.partition_seconds.clone();
        registry.register("partition_lag_seconds", "Age of the oldest record of a partition not in the store", seconds);
        registry.register("backend_up", "1 while a system that the writer needs answers", self.backends.clone());
    }

    /// Takes over whether a backend answers.
    pub fn read_health(&self, backend: &'static str, up: bool) {
        self.backends.get_or_create(&[("backend", backend)]).set(i64::from(up));
    }

    /// Takes over what the consumer says, for a scrape.
    pub fn read_lag(&self, lag: &[Lag], held_bytes: usize) {
        let gauge = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.partition_records.clear();
        self.partition_seconds.clear();
        for one in lag {
            let labels = vec![("topic", one.topic.to_string()), ("partition", one.partition.to_string())];
            self.partition_records.get_or_create(&labels).set(gauge(one.records));
            self.partition_seconds.get_or_create(&labels).set(one.seconds);
        }
        let total = Total::of(lag);
        self.assigned.set(gauge(lag.len() as u64));
        self.held_bytes.set(gauge(held_bytes as u64));
        self.lag_records.set(gauge(total.records));
        self.lag_seconds.set(total.seconds);
        self.uncommitted.set(gauge(total.uncommitted));
    }
}

/// Of all partitions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Total {
    pub records: u64,
    pub seconds: f64,
    pub uncommitted: u64,
}

impl Total {
    pub fn of(lag: &[Lag]) -> Self {
        lag.iter().fold(Self::default(), |total, one| Self {
            records: total.records + one.records,
            seconds: total.seconds.max(one.seconds),
            uncommitted: total.uncommitted + one.uncommitted,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use service_kit::metrics::{differences, documented, exported};

    use super::*;

    #[test]
    fn what_is_exported_is_documented_and_nothing_else() {
        let (mut registry, counters) = (Registry::default(), Counters::default());
        counters.register(&mut registry);
        service_kit::metrics::register(&mut registry, Arc::default());
        counters.read_health("log", true);
        let labels = vec![("topic", "t".to_owned()), ("partition", "1".to_owned())];
        counters.partition_records.get_or_create(&labels).set(1);
        counters.partition_seconds.get_or_create(&labels).set(1.0);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let page = documented(include_str!("../../docs/reference/metrics.md"), &["Every process", "Writer"]);
        let said = differences(&exported(&text), &page);
        assert!(said.is_empty(), "docs/reference/metrics.md:\n{}", said.join("\n"));
    }
}
