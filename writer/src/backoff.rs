use std::time::Duration;

use rand::RngExt as _;

/// Pauses between attempts that go on for ever: they double up to a longest one, and are spread so that many writers do
/// not come back at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    first: Duration,
    longest: Duration,
}

impl Backoff {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { next: first, first, longest }
    }

    /// For a backend that is away.
    pub fn usual() -> Self {
        Self::new(Duration::from_millis(50), Duration::from_secs(5))
    }

    /// Half to all of the pause that is due.
    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.longest);
        pause.mul_f64(rand::rng().random_range(0.5..1.0))
    }

    pub fn reset(&mut self) {
        self.next = self.first;
    }
}
