//! How long to wait before the next attempt.

use std::time::Duration;

use rand::RngExt as _;

/// Longest pause. Redis must be in use again within a second of its return.
const LONGEST: Duration = Duration::from_millis(600);
const SHORTEST: Duration = Duration::from_millis(50);

/// Doubling pauses, each drawn from the upper half, so that many processes do not come at once.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let longest = SHORTEST.saturating_mul(1 << self.attempts.min(5)).min(LONGEST);
        self.attempts = self.attempts.saturating_add(1);
        longest.mul_f64(rand::rng().random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..100).map(|_| backoff.next()).collect();
        assert!(pauses[0] <= SHORTEST && pauses.iter().all(|pause| *pause <= LONGEST));
        assert!(pauses[10..].iter().all(|pause| *pause >= LONGEST / 2));
        backoff.reset();
        assert!(backoff.next() <= SHORTEST);
    }
}
