use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use hdrhistogram::Histogram;
use serde::Serialize;
use service_kit::process::{Reading, reading};

use crate::client::Shared;
use crate::history::Verdict;

/// Milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p999: f64,
    pub max: f64,
}

impl Latency {
    #[allow(clippy::cast_precision_loss)] // latencies are far below 2^53 µs
    pub fn of(histogram: &Histogram<u64>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
        Self { p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: histogram.max() as f64 / 1_000.0 }
    }
}

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub scenario: String,
    pub seconds: f64,
    pub acked_per_second: f64,
    pub deliveries_per_second: f64,
    pub ack_ms: Latency,
    pub delivery_ms: Latency,
    pub reconnects: u64,
    pub refetches: u64,
    pub errors: BTreeMap<String, u64>,
    pub generator_cpu_seconds: f64,
    pub generator_resident_mib: u64,
    pub server_cpu_seconds: Option<f64>,
    pub server_resident_mib: Option<u64>,
    /// Figures of one scenario only.
    pub figures: BTreeMap<String, f64>,
    pub history: Verdict,
}

/// A reading at the beginning of the measured time.
#[derive(Debug, Clone, Copy)]
pub struct Start {
    pub acked: u64,
    pub delivered: u64,
    pub at: u64,
    pub own: Reading,
    pub server: Option<Reading>,
}

impl Start {
    pub fn now(shared: &Shared, server: Option<Reading>) -> Self {
        Self {
            acked: shared.stats.acked.load(Ordering::Relaxed),
            delivered: shared.stats.delivered.load(Ordering::Relaxed),
            at: shared.micros(),
            own: reading(),
            server,
        }
    }
}

impl Report {
    #[allow(clippy::cast_precision_loss)] // counts of a run are far below 2^53
    pub fn new(scenario: &str, shared: &Shared, start: &Start, end: &Start) -> Self {
        let seconds = (end.at - start.at) as f64 / 1e6;
        Self {
            scenario: scenario.to_owned(),
            seconds,
            acked_per_second: (end.acked - start.acked) as f64 / seconds,
            deliveries_per_second: (end.delivered - start.delivered) as f64 / seconds,
            ack_ms: Latency::of(&shared.stats.ack_latency.lock()),
            delivery_ms: Latency::of(&shared.stats.delivery_latency.lock()),
            reconnects: shared.stats.reconnects.load(Ordering::Relaxed),
            refetches: shared.stats.refetches.load(Ordering::Relaxed),
            errors: shared.stats.errors.lock().clone().into_iter().collect(),
            generator_cpu_seconds: end.own.cpu_seconds - start.own.cpu_seconds,
            generator_resident_mib: end.own.resident_bytes >> 20,
            server_cpu_seconds: end.server.zip(start.server).map(|(end, start)| end.cpu_seconds - start.cpu_seconds),
            server_resident_mib: end.server.map(|server| server.resident_bytes >> 20),
            figures: by_server(shared).into_iter().chain(moves_again(shared)).collect(),
            history: shared.history.lock().verdict().clone(),
        }
    }

    /// Delivery to the connections of one of several servers, counting from 0. `None` when there is only one.
    pub fn delivery_p50_ms(&self, server: usize) -> Option<f64> {
        self.figures.get(&delivery_figure(server)).copied()
    }

    pub fn print(&self) {
        println!("\n{} ({:.1} s)", self.scenario, self.seconds);
        println!("  acked      {:>12.0}/s", self.acked_per_second);
        println!("  deliveries {:>12.0}/s", self.deliveries_per_second);
        for (name, latency) in [("send → ack", self.ack_ms), ("delivery", self.delivery_ms)] {
            let Latency { p50, p90, p99, p999, max } = latency;
            println!("  {name:<10} p50 {p50:.2} ms, p90 {p90:.2}, p99 {p99:.2}, p99.9 {p999:.2}, max {max:.2}");
        }
        for (name, value) in &self.figures {
            println!("  {name}: {value:.2}");
        }
        println!("  generator  {:.1} s of CPU, {} MiB", self.generator_cpu_seconds, self.generator_resident_mib);
        if let (Some(cpu), Some(resident)) = (self.server_cpu_seconds, self.server_resident_mib) {
            println!("  server     {cpu:.1} s of CPU, {resident} MiB");
        }
        println!("  reconnects {}, refetches {}, errors {:?}", self.reconnects, self.refetches, self.errors);
        print!("  {}", self.history);
    }
}

fn delivery_figure(server: usize) -> String {
    format!("delivery p50 ms at server {}", server + 1)
}

#[allow(clippy::cast_precision_loss)] // counts of a run are far below 2^53
fn moves_again(shared: &Shared) -> impl Iterator<Item = (String, f64)> {
    let all = shared.stats.moves_again.lock().clone();
    all.into_iter().map(|(why, count)| (format!("moves tried again: {why}"), count as f64))
}

fn by_server(shared: &Shared) -> BTreeMap<String, f64> {
    let several = shared.servers.iter().enumerate().filter(|_| shared.servers.len() > 1);
    several.map(|(n, server)| (delivery_figure(n), Latency::of(&server.delivery_latency.lock()).p50)).collect()
}
