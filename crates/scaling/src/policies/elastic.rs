//! The project's own engine, fed as the operator feeds it.

use crate::gateways::{self, Memory, PerPod, Phase, Pod, Reading, Sample, Spec, Step, Target};
use crate::replay::{Policy, View, World};

pub struct Elastic {
    period: u32,
    spec: Spec,
    memory: Memory,
}

impl Elastic {
    /// The capacity is the limit of a pod, the target what it should carry while nothing is known.
    pub fn new(world: &World) -> Self {
        let connections = PerPod { target: world.target(), limit: Some(world.capacity) };
        let spec = Spec {
            min: world.min,
            max: world.max,
            target: Target { connections: Some(connections), ..Target::default() },
            look_ahead_seconds: None,
            max_step: Step::default(),
            stabilization_seconds: 300.0,
            period_seconds: f64::from(world.scrape_seconds),
        };
        Elastic { period: world.scrape_seconds, spec, memory: Memory::default() }
    }

    /// What the engine remembers now.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl Policy for Elastic {
    fn name(&self) -> &'static str {
        "elastic"
    }

    fn period_seconds(&self) -> u32 {
        self.period
    }

    fn decide(&mut self, view: &View<'_>) -> u32 {
        let decision = gateways::decide(&self.spec, &self.memory, &sample(view));
        self.memory = decision.memory;
        decision.desired
    }

    fn takes_back(&self) -> bool {
        true
    }
}

/// Readings of one period ago. The sessions are spread evenly but for the busiest gateway; those that drain are
/// counted as moved already.
fn sample(view: &View<'_>) -> Sample {
    let age = view.world.scrape_seconds;
    let (fleet, total) = (view.fleet, view.sessions(age));
    let serving = f64::from(fleet.serving().max(1));
    let mean = total / serving;
    let busiest = (mean * (1.0 + view.world.imbalance_percent / 100.0)).min(total);
    let others = (total - busiest) / (serving - 1.0).max(1.0);
    let pods = (0..fleet.serving()).map(|index| {
        let connections = if index == 0 { busiest } else { others };
        let reading = Reading { connections: Some(connections), ..Reading::default() };
        pod(Phase::Serving, f64::from(age), Some(reading))
    });
    let booting = (0..fleet.booting()).map(|_| pod(Phase::Booting, 0.0, None));
    let draining = (0..fleet.draining()).map(|_| {
        let reading = Reading { connections: Some(0.0), ..Reading::default() };
        pod(Phase::Draining, f64::from(age), Some(reading))
    });
    #[allow(clippy::cast_precision_loss)] // seconds of a trace
    let now = view.second as f64;
    Sample {
        now,
        current: fleet.asked(),
        boot_seconds: Some(f64::from(view.world.boot_seconds)),
        pods: pods.chain(booting).chain(draining).collect(),
    }
}

/// Names are for flags, and nothing lies here.
fn pod(phase: Phase, age_seconds: f64, reading: Option<Reading>) -> Pod {
    Pod { name: String::new(), phase, age_seconds, reading }
}
