use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

const PERIOD: Duration = Duration::from_millis(100);

/// How late timers fire: the first sign that a runtime has too much to do.
#[derive(Debug, Default)]
pub struct LoopDelay {
    micros: AtomicU64,
}

impl LoopDelay {
    /// The last reading, smoothed over about a second.
    #[allow(clippy::cast_precision_loss)] // a delay of 2^53 µs is no delay
    pub fn milliseconds(&self) -> f64 {
        self.micros.load(Ordering::Relaxed) as f64 / 1_000.0
    }

    /// Measures until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        loop {
            let begin = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                () = stop.cancelled() => return,
            }
            let late = begin.elapsed().saturating_sub(PERIOD);
            let late = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
            let old = self.micros.load(Ordering::Relaxed);
            self.micros.store(old - old / 8 + late / 8, Ordering::Relaxed);
        }
    }
}
