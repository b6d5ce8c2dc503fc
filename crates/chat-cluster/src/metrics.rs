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

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use prometheus_client::registry::Registry;
    use service_kit::metrics::{differences, documented, exported};

    use super::*;
    use crate::ClusterArgs;

    #[derive(clap::Parser)]
    struct Args {
        #[command(flatten)]
        cluster: ClusterArgs,
    }

    /// Connections are made when they are needed: nothing has to listen there.
    #[tokio::test]
    async fn what_is_exported_is_documented_and_nothing_else() {
        let args = Args::try_parse_from(["test", "--redis=redis://127.0.0.1:1"]).expect("arguments");
        let mut registry = Registry::default();
        registry.register_collector(Box::new(RedisCounters(Redis::open(args.cluster.redis()).expect("open"))));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let page = include_str!("../../../docs/reference/metrics.md");
        let said = differences(&exported(&text), &documented(page, &["Redis of a node or a writer"]));
        assert!(said.is_empty(), "docs/reference/metrics.md:\n{}", said.join("\n"));
    }
}
