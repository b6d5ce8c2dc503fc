use scaling::gateways::{
    Bound, Decision, Direction, Memory, PerPod, Phase, Pod, Problem, Reading, Sample, Spec, Step, Target, decide,
};

use crate::random::Random;

fn spec(min: u32, max: u32) -> Spec {
    let connections = PerPod { target: 7_000.0, limit: Some(10_000.0) };
    Spec {
        min,
        max,
        target: Target { connections: Some(connections), ..Target::default() },
        look_ahead_seconds: None,
        max_step: Step::default(),
        stabilization_seconds: 300.0,
        period_seconds: 2.0,
    }
}

fn pod(name: u32, phase: Phase, connections: Option<f64>) -> Pod {
    let reading = connections.map(|connections| Reading { connections: Some(connections), ..Reading::default() });
    Pod { name: format!("gateway-{name}"), phase, age_seconds: 1.0, reading }
}

/// `total` connections, spread over `serving` gateways.
fn sample(now: f64, total: f64, serving: u32) -> Sample {
    let pods = (0..serving).map(|name| pod(name, Phase::Serving, Some(total / f64::from(serving)))).collect();
    Sample { now, current: serving, boot_seconds: Some(30.0), pods }
}

/// Decides again and again; a step is done at once.
struct Cluster {
    spec: Spec,
    memory: Memory,
    serving: u32,
    now: f64,
}

impl Cluster {
    fn new(spec: Spec, serving: u32) -> Self {
        Cluster { spec, memory: Memory::default(), serving, now: 1.7e9 }
    }

    fn step(&mut self, total: f64) -> Decision {
        self.now += 2.0;
        let decision = decide(&self.spec, &self.memory, &sample(self.now, total, self.serving));
        self.memory = decision.memory.clone();
        self.serving = decision.desired;
        decision
    }

    fn run(&mut self, seconds: u32, total: f64) -> u32 {
        (0..seconds / 2).filter(|_| self.step(total).direction != Direction::Hold).count() as u32
    }
}

fn nonsense(random: &mut Random) -> f64 {
    match random.whole(0, 6) {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => -random.between(0.0, 1e9),
        3 => 1e300,
        4 => 0.0,
        _ => random.between(0.0, 12_000.0),
    }
}

#[test]
fn whatever_comes_the_count_stays_within_bounds_and_every_number_is_one() {
    let mut random = Random::new("bounds");
    for _ in 0..60 {
        let min = random.whole(0, 5);
        let mut spec = spec(min, random.whole(1, 60));
        spec.stabilization_seconds = nonsense(&mut random);
        if random.chance(0.3) {
            spec.look_ahead_seconds = Some(nonsense(&mut random));
        }
        if random.chance(0.3) {
            spec.max_step = Step::Percent(nonsense(&mut random));
        }
        let (low, high) = (spec.min.max(1), spec.max.max(spec.min).max(1));
        let (mut memory, mut now, mut current) = (Memory::default(), 1.7e9, random.whole(0, 80));
        for _ in 0..300 {
            now += if random.chance(0.02) { random.between(-500.0, 500.0) } else { 2.0 };
            let pods = (0..random.whole(0, 12))
                .map(|name| {
                    let phase = [Phase::Booting, Phase::Serving, Phase::Draining][random.whole(0, 2) as usize];
                    let connections = random.chance(0.9).then(|| nonsense(&mut random));
                    Pod { age_seconds: nonsense(&mut random) / 1e3, ..pod(name, phase, connections) }
                })
                .collect();
            let boot = random.chance(0.8).then(|| nonsense(&mut random));
            let sample = Sample { now, current, boot_seconds: boot, pods };
            let decision = decide(&spec, &memory, &sample);
            assert!((low..=high).contains(&decision.desired), "{decision:?}");
            let json = serde_json::to_string(&decision.memory).expect("a memory is JSON");
            assert!(json.len() <= 4_096, "{} bytes of memory", json.len());
            let inputs = serde_json::to_string(&decision.inputs).expect("inputs are JSON");
            assert!(!json.contains("null,\"f\"") && !inputs.contains(":null,\"horizon"), "{inputs}");
            for value in [decision.inputs.needed_pods, decision.inputs.window_pods, decision.inputs.reserve_pods] {
                assert!(value.is_finite(), "{:?}", decision.inputs);
            }
            assert!(!decision.reason.contains("NaN") && !decision.reason.contains("inf"), "{}", decision.reason);
            (memory, current) = (decision.memory, decision.desired);
        }
    }
}

#[test]
fn more_demand_never_means_fewer_gateways() {
    let mut random = Random::new("monotone");
    for _ in 0..40 {
        let mut cluster = Cluster::new(spec(1, 100), random.whole(1, 40));
        let mut level = random.between(1_000.0, 300_000.0);
        for _ in 0..400 {
            // More than ten times what a gateway can carry is taken for a lie.
            let most = f64::from(cluster.serving) * 60_000.0;
            level = (level * random.between(0.97, 1.03)).max(100.0).min(most);
            let (less, more) = (level, level * random.between(1.0, 1.5));
            let decided =
                |total| decide(&cluster.spec, &cluster.memory, &sample(cluster.now + 2.0, total, cluster.serving));
            let (fewer, larger) = (decided(less).desired, decided(more).desired);
            assert!(fewer <= larger, "{less:.0} wants {fewer}, {more:.0} wants {larger} of {}", cluster.serving);
            cluster.step(level);
        }
    }
}

#[test]
fn steady_load_gives_no_action() {
    let mut random = Random::new("steady");
    for _ in 0..3 {
        // Without a limit beyond the target there is nothing to learn first.
        let mut plain = spec(1, 1_000);
        plain.target.connections = Some(PerPod { target: 7_000.0, limit: None });
        let load = random.between(5_000.0, 300_000.0);
        let mut cluster = Cluster::new(plain, (load / 7_000.0 * 1.125).ceil() as u32);
        assert_eq!(cluster.run(12 * 3_600, load), 0, "at {load:.0} connections without a limit");
        // With one, the headroom of the first day goes in a few steps down, and then nothing moves.
        let mut cluster = Cluster::new(spec(1, 1_000), (load / 7_000.0).ceil() as u32);
        let first_day = cluster.run(25 * 3_600, load);
        assert!(first_day <= 4, "{first_day} actions on the first day at {load:.0}");
        assert_eq!(cluster.run(24 * 3_600, load), 0, "at {load:.0} connections");
    }
}

#[test]
fn steady_load_with_noise_gives_next_to_none() {
    let mut random = Random::new("noise");
    let mut cluster = Cluster::new(spec(1, 1_000), 30);
    let mut open: f64 = 240_000.0;
    let mut actions = 0;
    for step in 0..2 * 43_200 {
        open += f64::from(random.arrivals(800.0)) - open / 300.0;
        let action = cluster.step(open).direction != Direction::Hold;
        actions += u32::from(action && step >= 43_200);
    }
    assert!(actions <= 6, "{actions} actions on the second day");
}

#[test]
fn missing_stale_and_lying_readings_never_shrink_anything() {
    let mut random = Random::new("missing");
    for round in 0..40 {
        let mut cluster = Cluster::new(spec(1, 100), 30);
        cluster.run(1_200, 200_000.0);
        let before = cluster.serving;
        for _ in 0..600 {
            cluster.now += 2.0;
            let mut sample = sample(cluster.now, 200_000.0, cluster.serving);
            let liar = random.whole(0, cluster.serving - 1) as usize;
            let all = random.chance(0.2);
            for (index, pod) in sample.pods.iter_mut().enumerate() {
                let reading = pod.reading.get_or_insert_default();
                reading.connections = Some(20.0); // nearly nobody is left, by those that do answer
                if all || index == liar {
                    match round % 4 {
                        0 => (pod.reading, pod.age_seconds) = (None, 500.0),
                        1 => pod.age_seconds = 60.0,
                        2 => reading.connections = Some(-5.0),
                        _ => reading.connections = Some(f64::NAN),
                    }
                }
            }
            let decision = decide(&cluster.spec, &cluster.memory, &sample);
            assert!(decision.desired >= before, "{}", decision.reason);
            assert!(!decision.flags.is_empty());
            cluster.memory = decision.memory;
        }
    }
}

#[test]
fn a_pod_that_lies_upwards_is_clamped_and_flagged() {
    let mut cluster = Cluster::new(spec(1, 1_000), 30);
    cluster.run(600, 200_000.0);
    let mut sample = sample(cluster.now + 2.0, 200_000.0, cluster.serving);
    sample.pods[3].reading = Some(Reading { connections: Some(1e15), ..Reading::default() });
    let decision = decide(&cluster.spec, &cluster.memory, &sample);
    assert_eq!(decision.flags.len(), 1);
    assert_eq!((decision.flags[0].pod.as_str(), decision.flags[0].problem), ("gateway-3", Problem::Absurd));
    assert!(decision.desired <= cluster.serving + 3, "{}", decision.reason);
}

#[test]
fn a_restart_with_its_memory_is_no_restart() {
    let mut random = Random::new("restart");
    for _ in 0..10 {
        let (mut one, mut other) = (Cluster::new(spec(1, 100), 20), Cluster::new(spec(1, 100), 20));
        let mut level = 150_000.0;
        for _ in 0..3_000 {
            level = (level * random.between(0.99, 1.0101)).clamp(1_000.0, 900_000.0);
            let (kept, restarted) = (one.step(level), other.step(level));
            assert_eq!(kept, restarted);
            if random.chance(0.05) {
                let json = serde_json::to_string(&other.memory).expect("a memory is JSON");
                other.memory = serde_json::from_str(&json).expect("and back");
            }
        }
    }
}

#[test]
fn without_its_memory_it_does_not_shrink_before_a_whole_window_was_seen() {
    let mut cluster = Cluster::new(spec(1, 100), 40);
    for _ in 0..149 {
        let decision = cluster.step(10_000.0);
        assert_eq!((decision.desired, decision.bound), (40, Some(Bound::Stabilization)));
    }
    assert!(cluster.run(20, 10_000.0) > 0, "a window later it does");
}

#[test]
fn a_spike_is_met_at_once_within_the_step_and_the_maximum() {
    let mut cluster = Cluster::new(spec(2, 200), 8);
    cluster.run(900, 60_000.0);
    let before = cluster.serving;
    let mut spiked = before;
    for second in 1..=10 {
        let decision = cluster.step(60_000.0 + f64::from(second) * 36_000.0);
        assert!(decision.desired <= 2 * spiked, "a step is at most 100 %");
        spiked = decision.desired;
        if second == 2 {
            assert!(decision.desired > before, "four seconds into the spike: {}", decision.reason);
        }
    }
    assert!(spiked >= 42, "{spiked} for 420,000 connections");
    let decision = cluster.step(9e6);
    assert!(decision.desired <= 200);
}

#[test]
fn the_reason_tells_what_held() {
    let mut cluster = Cluster::new(spec(2, 10), 10);
    let decision = cluster.step(500_000.0);
    assert_eq!((decision.desired, decision.bound), (10, Some(Bound::Max)));
    assert!(decision.reason.contains("500,000 connections are 50.0 gateways of 10,000"), "{}", decision.reason);
    assert!(decision.reason.contains("not more than max 10"), "{}", decision.reason);
}

#[test]
fn a_spike_that_is_over_is_paid_for_no_longer_than_the_stabilisation_says_however_long_boots_take() {
    for boot in [2.0, 30.0, 90.0, 284.0, 600.0] {
        for limit in [None, Some(1_000.0)] {
            let mut cluster = Cluster::new(spec(2, 8), 2);
            cluster.spec.target.connections = Some(PerPod { target: 700.0, limit });
            let decide_at = |cluster: &mut Cluster, total: f64| {
                cluster.now += 2.0;
                let sample = Sample { boot_seconds: Some(boot), ..sample(cluster.now, total, cluster.serving) };
                let decision = decide(&cluster.spec, &cluster.memory, &sample);
                cluster.memory = decision.memory.clone();
                cluster.serving = decision.desired;
                decision
            };
            // Ten times as many connections in half a minute, two minutes of it, and back in half a minute.
            let spike = (0..15).map(|n| 400.0 + 240.0 * f64::from(n)).chain(std::iter::repeat_n(4_000.0, 60));
            let end = (0..15).map(|n| 4_000.0 - 240.0 * f64::from(n));
            let levels: Vec<f64> = std::iter::repeat_n(400.0, 200).chain(spike).chain(end).collect();
            let mut most = 0;
            for level in levels {
                most = decide_at(&mut cluster, level).desired.max(most);
            }
            assert!(most >= 5, "{most} for a spike, with a boot of {boot} s");
            let over = cluster.now;
            while cluster.serving > 2 {
                let decision = decide_at(&mut cluster, 400.0);
                let waited = cluster.now - over;
                // The window, its last stretch, and a few decisions.
                assert!(waited <= 300.0 + 300.0 / 40.0 + 10.0, "boot {boot} s, {waited} s: {}", decision.reason);
            }
        }
    }
}
