//! Knative's autoscaler (KPA) on concurrency.

use crate::replay::{Policy, View};
use crate::whole_pods as ceil;

/// `tick-interval`.
const TICK_SECONDS: u32 = 2;
/// `stable-window`.
const STABLE_SECONDS: u32 = 60;
/// `panic-window-percentage`: 10 % of the stable window.
const PANIC_SECONDS: u32 = 6;
/// `panic-threshold-percentage`: 200 %.
const PANIC_THRESHOLD: f64 = 2.0;
/// `max-scale-up-rate`.
const MOST_UP: f64 = 1_000.0;
/// `max-scale-down-rate`.
const MOST_DOWN: f64 = 2.0;

#[derive(Default)]
pub struct Kpa {
    panic: Option<Panic>,
}

struct Panic {
    /// The last second in which the panic window was over the threshold.
    at: usize,
    /// Never fewer while it lasts.
    most: u32,
}

impl Kpa {
    pub fn new() -> Self {
        Self::default()
    }
}

/// Mean over the last seconds. Each queue-proxy is read once a second.
fn mean(view: &View<'_>, seconds: u32) -> f64 {
    (1..=seconds).map(|ago| view.sessions(ago)).sum::<f64>() / f64::from(seconds)
}

impl Policy for Kpa {
    fn name(&self) -> &'static str {
        "kpa"
    }

    fn period_seconds(&self) -> u32 {
        TICK_SECONDS
    }

    fn decide(&mut self, view: &View<'_>) -> u32 {
        // `container-concurrency-target-percentage` of `containerConcurrency`.
        let target = view.world.target();
        let ready = f64::from(view.fleet.serving().max(1));
        let (most, least) = ((MOST_UP * ready).ceil(), (ready / MOST_DOWN).floor());
        let stable = (mean(view, STABLE_SECONDS) / target).ceil();
        let panic = (mean(view, PANIC_SECONDS) / target).ceil();
        let over = panic / ready >= PANIC_THRESHOLD;
        let (stable, panic) = (ceil(stable.max(least).min(most)), ceil(panic.max(least).min(most)));
        match &mut self.panic {
            Some(state) if over => state.at = view.second,
            Some(state) if state.at + (STABLE_SECONDS as usize) < view.second => self.panic = None,
            None if over => self.panic = Some(Panic { at: view.second, most: 0 }),
            _ => {}
        }
        match &mut self.panic {
            Some(state) => {
                state.most = state.most.max(stable).max(panic);
                state.most
            }
            None => stable.max(1),
        }
    }
}
