use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::history::{History, View};

/// Counters and latencies of a whole run.
pub struct Stats {
    pub connected: AtomicUsize,
    /// Clients that were told all that they have to send, and have an answer to each.
    pub settled: AtomicUsize,
    pub acked: AtomicU64,
    pub delivered: AtomicU64,
    pub reconnects: AtomicU64,
    pub refetches: AtomicU64,
    pub goaways: AtomicU64,
    pub errors: Mutex<HashMap<String, u64>>,
    /// Why another socket after a goaway was tried for again; the one before was still there.
    pub moves_again: Mutex<HashMap<String, u64>>,
    /// Microseconds from the intended time.
    pub ack_latency: Mutex<Histogram<u64>>,
    pub delivery_latency: Mutex<Histogram<u64>>,
}

fn histogram() -> Mutex<Histogram<u64>> {
    match Histogram::new_with_bounds(1, 120_000_000, 3) {
        Ok(histogram) => Mutex::new(histogram),
        Err(error) => unreachable!("the bounds are valid: {error:?}"),
    }
}

impl Default for Stats {
    fn default() -> Self {
        Self {
            connected: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            acked: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            refetches: AtomicU64::new(0),
            goaways: AtomicU64::new(0),
            errors: Mutex::default(),
            moves_again: Mutex::default(),
            ack_latency: histogram(),
            delivery_latency: histogram(),
        }
    }
}

impl Stats {
    pub fn error(&self, what: impl Into<String>) {
        *self.errors.lock().entry(what.into()).or_default() += 1;
    }
}

/// One of the servers of a run.
pub struct Server {
    pub authority: String,
    /// As in [`Stats`], of deliveries to this server's connections.
    pub delivery_latency: Mutex<Histogram<u64>>,
}

/// What all clients of a run share.
pub struct Shared {
    /// The server that is asked over REST.
    pub authority: String,
    /// The servers that connections are spread over; at least one.
    pub servers: Vec<Server>,
    pub begin: Instant,
    pub history: Mutex<History>,
    pub stats: Stats,
    /// Latencies before this (microseconds) are warm-up, and not counted.
    pub warm_until: AtomicU64,
    /// Where every conversation ended: a client that came so far may go.
    pub goals: OnceLock<HashMap<Uuid, View>>,
    /// Ends all clients wherever they are.
    pub give_up: CancellationToken,
}

impl Shared {
    pub fn new(authority: &str) -> Arc<Self> {
        Self::over(&[authority.to_owned()])
    }

    /// With several servers, the first of which answers REST calls.
    pub fn over(authorities: &[String]) -> Arc<Self> {
        let server = |authority: &String| Server { authority: authority.clone(), delivery_latency: histogram() };
        Arc::new(Self {
            authority: authorities.first().cloned().unwrap_or_default(),
            servers: authorities.iter().map(server).collect(),
            begin: Instant::now(),
            history: Mutex::default(),
            stats: Stats::default(),
            warm_until: AtomicU64::new(0),
            goals: OnceLock::new(),
            give_up: CancellationToken::new(),
        })
    }

    /// Microseconds since the run began.
    pub fn micros(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    pub(super) fn record(&self, histogram: &Mutex<Histogram<u64>>, intended: u64) {
        if intended >= self.warm_until.load(Ordering::Relaxed) {
            let _ = histogram.lock().record(self.micros().saturating_sub(intended).max(1));
        }
    }
}
