//! Kubernetes' HorizontalPodAutoscaler, `autoscaling/v2`, on a metric of the pods with the default behaviour.

use std::collections::VecDeque;

use crate::replay::{Policy, View};
use crate::whole_pods as ceil;

/// `--horizontal-pod-autoscaler-sync-period`.
pub(super) const SYNC_SECONDS: u32 = 15;
/// `--horizontal-pod-autoscaler-tolerance`.
pub(super) const TOLERANCE: f64 = 0.1;
/// `--horizontal-pod-autoscaler-downscale-stabilization`, `behavior.scaleDown.stabilizationWindowSeconds`.
const STABILIZATION_SECONDS: usize = 300;
/// `behavior.scaleUp.policies`: 100 % or 4 pods, whichever is more, in 15 s.
const UP_PERCENT: f64 = 100.0;
const UP_PODS: u32 = 4;
const POLICY_SECONDS: usize = 15;

pub struct Hpa {
    behavior: Behavior,
}

impl Hpa {
    #[allow(clippy::new_without_default)] // a policy is made for one replay, never by default
    pub fn new() -> Self {
        Hpa { behavior: Behavior::default() }
    }
}

impl Policy for Hpa {
    fn name(&self) -> &'static str {
        "hpa"
    }

    fn period_seconds(&self) -> u32 {
        SYNC_SECONDS
    }

    fn decide(&mut self, view: &View<'_>) -> u32 {
        let wanted = replicas(view);
        self.behavior.apply(view.second, view.fleet.asked(), wanted, view.world.max)
    }
}

/// Mean of the pods' metric over its target, times the pods. Pods that boot have no metric: they are taken to be
/// idle before a step up and at their target before a step down, and they never turn one into the other.
fn replicas(view: &View<'_>) -> u32 {
    let current = view.fleet.asked();
    let lag = view.world.metric_lag_seconds;
    let measured = view.serving(lag).max(1);
    let ratio = view.sessions(lag) / f64::from(measured) / view.world.target();
    let (ready, booting) = (view.fleet.serving(), view.fleet.booting());
    if booting == 0 {
        let near = (ratio - 1.0).abs() <= TOLERANCE;
        return if near { current } else { ceil(ratio * f64::from(ready)) };
    }
    let missing = if ratio < 1.0 { f64::from(booting) } else { 0.0 };
    let all = f64::from(ready + booting);
    let again = (ratio * f64::from(ready) + missing) / all;
    if (again - 1.0).abs() <= TOLERANCE || (ratio < 1.0 && again > 1.0) || (ratio > 1.0 && again < 1.0) {
        return current;
    }
    let replicas = ceil(again * all);
    if (again < 1.0 && replicas > current) || (again > 1.0 && replicas < current) { current } else { replicas }
}

/// The default `behavior`: stabilisation and rates.
#[derive(Default)]
pub(super) struct Behavior {
    /// What was recommended, and when; oldest first.
    recommended: VecDeque<(usize, u32)>,
    /// Replicas that were added, and when.
    added: VecDeque<(usize, u32)>,
}

impl Behavior {
    pub fn apply(&mut self, second: usize, current: u32, wanted: u32, max: u32) -> u32 {
        if self.recommended.is_empty() {
            // What runs when the autoscaler starts is its first recommendation.
            self.recommended.push_back((second, current));
        }
        let window = second.saturating_sub(STABILIZATION_SECONDS);
        self.recommended.retain(|(at, _)| *at > window || second < STABILIZATION_SECONDS);
        // Up has no window: its lowest recommendation is the one of now. Down takes the highest of the window.
        let most = self.recommended.iter().map(|(_, replicas)| *replicas).fold(wanted, u32::max);
        self.recommended.push_back((second, wanted));
        let stable = if current < wanted { wanted } else { current.min(most) };
        if stable <= current {
            // Down: 100 % in 15 s, which is no limit.
            return stable;
        }
        let stable = stable.min(self.limit(second, current)).min(max.max(current));
        if stable > current {
            self.added.push_back((second, stable - current));
        }
        stable
    }

    fn limit(&mut self, second: usize, current: u32) -> u32 {
        self.added.retain(|(at, _)| at + POLICY_SECONDS > second);
        let start = current.saturating_sub(self.added.iter().map(|(_, pods)| *pods).sum());
        let percent = ceil(f64::from(start) * (1.0 + UP_PERCENT / 100.0));
        percent.max(start + UP_PODS)
    }
}
