mod reference;

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::loop_delay::LoopDelay;
use crate::process;

pub use reference::{Family, differences, documented, exported};

/// What every service tells of its own process, read at each scrape. The names are the usual ones of Prometheus clients.
#[derive(Debug)]
struct ServiceMetrics {
    loop_delay: Arc<LoopDelay>,
}

/// Adds `process_…` and `event_loop_delay_seconds` to a registry.
pub fn register(registry: &mut Registry, loop_delay: Arc<LoopDelay>) {
    registry.register_collector(Box::new(ServiceMetrics { loop_delay }));
}

impl Collector for ServiceMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let process = process::reading();
        let mut write = |name: &str, help: &str, metric: &dyn Metric| metric.write(&mut encoder, name, help);
        write("process_cpu_seconds", "CPU time spent, user and system", &ConstCounter::new(process.cpu_seconds))?;
        write("process_resident_memory_bytes", "Resident memory", &gauge(process.resident_bytes))?;
        write("process_threads", "Threads", &gauge(process.threads))?;
        write("process_open_fds", "Open file descriptors", &gauge(process::open_files()))?;
        let delay = ConstGauge::new(self.loop_delay.milliseconds() / 1_000.0);
        write("event_loop_delay_seconds", "How late timers fire, smoothed over about a second", &delay)
    }
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

trait Metric {
    fn write(&self, encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str) -> Result<(), Error>;
}

impl<M: EncodeMetric> Metric for M {
    fn write(&self, encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str) -> Result<(), Error> {
        self.encode(encoder.encode_descriptor(name, help, None, self.metric_type())?)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_tells_of_itself() {
        let mut registry = Registry::default();
        register(&mut registry, Arc::default());
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} in {text}")).parse().expect("a number")
        };
        assert!(value("process_resident_memory_bytes") > 100_000.0);
        assert!(value("process_threads") >= 1.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("event_loop_delay_seconds") < 0.001, "nothing was measured yet");
    }
}
