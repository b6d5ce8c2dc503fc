//! What the adapters count, for a scrape.

use chat_redis::Redis;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;

/// Reads Redis' counters when it is asked.
pub struct RedisCounters(pub Redis);

impl std::fmt::Debug for RedisCounters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisCounters")
    }
}

impl Collector for RedisCounters {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counters = self.0.counters();
        for (name, help, count) in [
            ("redis_entries_undecodable", "Entries of tails that were not readable and skipped", counters.undecodable),
            ("redis_hints_dropped", "Hints to nodes for which there was no room", counters.hints_dropped),
            ("redis_channels_lost", "Node channels that closed since something was missed", counters.channels_lost),
            ("redis_rates_local", "Rate decisions made without Redis", counters.rates_local),
        ] {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(metric)?;
        }
        Ok(())
    }
}
