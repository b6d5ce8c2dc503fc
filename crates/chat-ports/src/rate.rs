use std::collections::HashMap;

use chat_core::Timestamp;

use crate::{Quota, RateDecision};

/// Keys kept before those whose quota is whole again are thrown out, at least.
const SWEEP_AT: usize = 50_000;

/// GCRA by key: the theoretical arrival time of the next conforming request, in microseconds.
///
/// ITU-T I.371, virtual scheduling: with the interval T = period / count and the tolerance τ = period − T, a request
/// at `t` conforms when TAT ≤ t + τ, and sets TAT = max(TAT, t) + T.
#[derive(Debug, Default)]
pub struct RateLimits {
    arrivals: HashMap<String, u64>,
    sweep_at: usize,
}

impl RateLimits {
    /// Keys that are remembered now.
    pub fn len(&self) -> usize {
        self.arrivals.len()
    }
    pub fn is_empty(&self) -> bool {
        self.arrivals.is_empty()
    }

    /// Takes one from the quota of `key`.
    pub fn take(&mut self, key: &str, quota: Quota, now: Timestamp) -> RateDecision {
        let now = now.millis_since(Timestamp::EPOCH) * 1_000;
        let period = quota.per_ms * 1_000;
        let interval = period / u64::from(quota.count);
        let tolerance = period - interval;
        if self.arrivals.len() >= self.sweep_at.max(SWEEP_AT) {
            self.arrivals.retain(|_, arrival| *arrival > now);
            // Not again before as many came as are in use: many busy keys must not make each call a sweep.
            self.sweep_at = self.arrivals.len() * 2;
        }
        let arrival = self.arrivals.get(key).copied().unwrap_or(0).max(now);
        if arrival > now + tolerance {
            return RateDecision::Wait { retry_after_ms: (arrival - now - tolerance).div_ceil(1_000) };
        }
        if let Some(entry) = self.arrivals.get_mut(key) {
            *entry = arrival + interval;
        } else {
            self.arrivals.insert(key.to_owned(), arrival + interval);
        }
        RateDecision::Allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_steady_rate() {
        let quota = Quota { count: 10, per_ms: 1_000 };
        let mut limits = RateLimits::default();
        let at = Timestamp::from_millis;
        let burst = (0..15).filter(|_| limits.take("a", quota, at(1_000)) == RateDecision::Allowed).count();
        assert_eq!(burst, 10);
        assert_eq!(limits.take("a", quota, at(1_000)), RateDecision::Wait { retry_after_ms: 100 });
        assert_eq!(limits.take("a", quota, at(1_100)), RateDecision::Allowed);
        assert_eq!(limits.take("b", quota, at(1_100)), RateDecision::Allowed);
        let later = (0..15).filter(|_| limits.take("a", quota, at(9_000)) == RateDecision::Allowed).count();
        assert_eq!(later, 10);
    }

    #[test]
    fn keys_are_forgotten_once_their_quota_is_whole() {
        let quota = Quota { count: 1, per_ms: 1_000 };
        let mut limits = RateLimits::default();
        for second in 1..=10 {
            for key in 0..SWEEP_AT {
                let now = Timestamp::from_millis(second * 10_000);
                assert_eq!(limits.take(&format!("{second} {key}"), quota, now), RateDecision::Allowed);
            }
        }
        assert!(limits.arrivals.len() <= 2 * SWEEP_AT, "{} keys", limits.arrivals.len());
        let now = Timestamp::from_millis(100_000);
        assert_ne!(limits.take("10 7", quota, now), RateDecision::Allowed, "one in use was forgotten");
    }
}
