//! KEDA: a `ScaledObject` with one trigger of an average value, such as Prometheus.

use super::hpa::{Behavior, SYNC_SECONDS, TOLERANCE};
use crate::replay::{Policy, View};
use crate::whole_pods as ceil;

/// Between one and many replicas KEDA leaves the work to an HPA on an external metric with an `AverageValue` target,
/// which asks KEDA's metrics server at each sync (`useCachedMetrics: false`). `pollingInterval` (30 s) and
/// `cooldownPeriod` (300 s) are about the way from and to zero, where a chat never is.
pub struct Keda {
    behavior: Behavior,
}

impl Keda {
    #[allow(clippy::new_without_default)] // a policy is made for one replay, never by default
    pub fn new() -> Self {
        Keda { behavior: Behavior::default() }
    }
}

impl Policy for Keda {
    fn name(&self) -> &'static str {
        "keda"
    }

    fn period_seconds(&self) -> u32 {
        SYNC_SECONDS
    }

    fn decide(&mut self, view: &View<'_>) -> u32 {
        let current = view.fleet.asked();
        let total = view.sessions(view.world.metric_lag_seconds);
        // `status.replicas` counts all pods, those that drain too until they are gone; a Deployment's does not.
        let ratio = total / (view.world.target() * f64::from(current.max(1)));
        let near = (ratio - 1.0).abs() <= TOLERANCE;
        let wanted = if near { current } else { ceil(total / view.world.target()) };
        self.behavior.apply(view.second, current, wanted, view.world.max)
    }
}
