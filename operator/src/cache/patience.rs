//! How long a watch waits after an error.

use std::time::Duration;

use kube::runtime::utils::Backoff;
use kube::runtime::watcher;
use rand::RngExt as _;

const FIRST: Duration = Duration::from_millis(500);
/// A definition that is not there yet, or an API server that restarts, is found again within so long. kube's own backoff
/// (client-go's) goes up to a minute; here a dozen watches of one process ask, which no API server minds.
const LONGEST: Duration = Duration::from_secs(5);
/// The server ends a watch after so long, and so a connection that died without a word is noticed: by default that is
/// after five minutes.
const WATCH_SECONDS: u32 = 60;

/// Doubles from [`FIRST`] to [`LONGEST`]; each wait is between half of that and the whole.
#[derive(Debug, Default)]
pub struct Patience {
    failures: u32,
}

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        Some(wait.mul_f64(rand::rng().random_range(0.5..=1.0)))
    }
}

impl Backoff for Patience {
    fn reset(&mut self) {
        self.failures = 0;
    }
}

/// What every watch is begun with.
pub fn config() -> watcher::Config {
    watcher::Config::default().timeout(WATCH_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_longer_than_five_seconds_and_success_begins_anew() {
        let mut patience = Patience::default();
        assert!(patience.next().is_some_and(|wait| wait <= FIRST));
        let waits: Vec<Duration> = patience.by_ref().take(100).collect();
        assert!(waits.iter().all(|wait| *wait <= LONGEST));
        assert!(waits[50..].iter().all(|wait| *wait >= LONGEST / 2));
        patience.reset();
        assert!(patience.next().is_some_and(|wait| wait <= FIRST));
    }
}
