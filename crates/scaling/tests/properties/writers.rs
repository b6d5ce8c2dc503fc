use scaling::writers::{Bound, Direction, Memory, Phase, Pod, Reading, Sample, Spec, decide};

use crate::random::Random;

fn spec(partitions: u32) -> Spec {
    Spec {
        min: 1,
        max: 64,
        partitions,
        lag_seconds: 5.0,
        drain_seconds: 60.0,
        stabilization_seconds: 600.0,
        period_seconds: 2.0,
    }
}

/// Writers that share the partitions evenly, each storing at most `rate`, all of them at most `store`.
struct World {
    spec: Spec,
    memory: Memory,
    now: f64,
    writers: u32,
    lag: f64,
    rate: f64,
    store: f64,
    /// Until then partitions are handed over.
    handing: f64,
    actions: u32,
    steps: Vec<String>,
    bound: Option<Bound>,
}

impl World {
    fn new(spec: Spec, writers: u32, rate: f64) -> Self {
        World {
            spec,
            memory: Memory::default(),
            now: 1.7e9,
            writers,
            lag: 0.0,
            rate,
            store: f64::INFINITY,
            handing: 0.0,
            actions: 0,
            steps: Vec::new(),
            bound: None,
        }
    }

    fn run(&mut self, seconds: u32, ingest: f64) {
        for _ in 0..seconds / 2 {
            self.step(ingest);
        }
    }

    fn step(&mut self, ingest: f64) {
        self.now += 2.0;
        let partitions = f64::from(self.spec.partitions);
        let share = f64::from(self.spec.partitions.div_ceil(self.writers)) / partitions;
        let handing = self.now < self.handing;
        let most = if handing { 0.0 } else { (self.rate / share).min(self.store) };
        let stored = (ingest + self.lag / 2.0).min(most);
        self.lag = (self.lag + (ingest - stored) * 2.0).max(0.0);
        let pods = (0..self.writers)
            .map(|writer| {
                let held =
                    self.spec.partitions / self.writers + u32::from(writer < self.spec.partitions % self.writers);
                let part = f64::from(held) / partitions;
                let reading = Reading {
                    partitions: held,
                    lag_records: self.lag * part,
                    lag_seconds: self.lag / ingest.max(1.0),
                    records_per_second: stored * part,
                    busy: Some((stored * part / self.rate).min(1.0)),
                    store_blocked: false,
                    joining: handing,
                };
                Pod {
                    name: format!("writer-{writer}"),
                    phase: Phase::Serving,
                    age_seconds: 1.0,
                    reading: Some(reading),
                }
            })
            .collect();
        let sample = Sample { now: self.now, current: self.writers, pods };
        let decision = decide(&self.spec, &self.memory, &sample);
        assert!(decision.desired >= 1 && decision.desired <= self.spec.partitions, "{}", decision.reason);
        if decision.direction != Direction::Hold {
            assert!(!handing, "nothing is changed in a hand-over: {}", decision.reason);
            let (before, after) =
                (self.spec.partitions.div_ceil(self.writers), self.spec.partitions.div_ceil(decision.desired));
            assert_ne!(before, after, "a step changes the largest share: {}", decision.reason);
            self.actions += 1;
            self.steps.push(format!("{:.0} s: {}", self.now - 1.7e9, decision.reason));
            self.handing = self.now + 10.0;
        }
        (self.memory, self.writers, self.bound) = (decision.memory, decision.desired, decision.bound);
    }
}

#[test]
fn a_lag_is_worked_off_and_then_the_writers_go_again() {
    let mut world = World::new(spec(32), 2, 1_000.0);
    world.run(600, 1_500.0);
    assert_eq!((world.writers, world.actions), (2, 0), "two keep up");
    world.run(300, 6_000.0);
    assert!(world.writers >= 7, "{} writers", world.writers);
    world.run(600, 6_000.0);
    assert!(world.lag < 6_000.0 * 5.0, "a lag of {:.0} is left", world.lag);
    world.run(3_600, 1_500.0);
    assert!(world.writers <= 3, "{} writers", world.writers);
    assert!(world.actions <= 10, "{:#?}", world.steps);
}

#[test]
fn steady_load_gives_no_action() {
    let mut random = Random::new("steady writers");
    for _ in 0..20 {
        let writers = random.whole(1, 16);
        let share = f64::from(32_u32.div_ceil(writers)) / 32.0;
        let mut world = World::new(spec(32), writers, 1_000.0);
        // Just below what these writers can do: too much for fewer.
        world.run(7_200, 1_000.0 / share * 0.97);
        assert_eq!(world.actions, 0, "with {writers} writers");
    }
}

#[test]
fn writers_that_bring_nothing_are_the_last_to_be_added() {
    let mut world = World::new(spec(32), 4, 1_000.0);
    world.store = 4_100.0;
    world.run(900, 6_000.0);
    assert_eq!(world.bound, Some(Bound::Store), "{} writers", world.writers);
    let writers = world.writers;
    world.run(300, 6_000.0);
    assert_eq!(world.writers, writers);
}

#[test]
fn never_more_writers_than_partitions() {
    let mut world = World::new(spec(6), 2, 100.0);
    world.run(1_800, 50_000.0);
    assert!(world.writers <= 6);
}

#[test]
fn missing_readings_never_shrink_anything() {
    let mut world = World::new(spec(32), 8, 1_000.0);
    world.run(1_200, 7_000.0);
    let before = world.writers;
    for step in 0..900 {
        let pods = (0..before)
            .map(|writer| Pod {
                name: format!("writer-{writer}"),
                phase: Phase::Serving,
                age_seconds: 1.0,
                reading: (writer > 0).then(|| Reading { partitions: 4, records_per_second: 1.0, ..Reading::default() }),
            })
            .collect();
        let sample = Sample { now: world.now + f64::from(step) * 2.0, current: before, pods };
        let decision = decide(&world.spec, &world.memory, &sample);
        assert!(decision.desired >= before, "{}", decision.reason);
        world.memory = decision.memory;
    }
}

#[test]
fn nonsense_does_no_harm_and_the_memory_stays_small() {
    let mut random = Random::new("writers' nonsense");
    let (mut memory, mut now, mut current) = (Memory::default(), 1.7e9, 3);
    for _ in 0..5_000 {
        now += if random.chance(0.02) { random.between(-500.0, 500.0) } else { 2.0 };
        let pods = (0..random.whole(0, 8))
            .map(|writer| {
                let mut value = || match random.whole(0, 4) {
                    0 => f64::NAN,
                    1 => -1e9,
                    2 => f64::INFINITY,
                    _ => random.between(0.0, 1e5),
                };
                let reading = Reading {
                    partitions: 4,
                    lag_records: value(),
                    lag_seconds: value(),
                    records_per_second: value(),
                    busy: Some(value()),
                    ..Reading::default()
                };
                Pod {
                    name: format!("writer-{writer}"),
                    phase: Phase::Serving,
                    age_seconds: 1.0,
                    reading: Some(reading),
                }
            })
            .collect();
        let decision = decide(&spec(32), &memory, &Sample { now, current, pods });
        assert!((1..=32).contains(&decision.desired));
        assert!(decision.inputs.demand_per_second.is_finite() && decision.inputs.rate_per_pod.is_finite());
        let json = serde_json::to_string(&decision.memory).expect("a memory is JSON");
        assert!(json.len() <= 4_096, "{} bytes", json.len());
        memory = serde_json::from_str(&json).expect("and back");
        assert_eq!(memory, decision.memory);
        current = decision.desired;
    }
}
