use scaling::policies;
use scaling::replay::{self, Outcome, SessionLength, World, plot};

use crate::random::Random;

const SAMPLE: &str = include_str!("../data/twitter-2021-08-09-6h.txt");

fn outcome(name: &str, world: &World, sessions: &[f64]) -> Outcome {
    let mut policy = policies::by_name(name, world).expect("a known policy");
    replay::replay(world, sessions, &mut *policy).outcome
}

fn sessions(arrivals: &[u32], mean: f64) -> Vec<f64> {
    replay::sessions(arrivals, 600, SessionLength::Exponential, mean)
}

#[test]
fn the_sample_is_carried_with_fewer_actions_and_pods_than_an_hpa() {
    let arrivals = replay::parse(SAMPLE).expect("the sample is a trace");
    let (world, open) = (World::default(), sessions(&arrivals, 240_000.0));
    let [elastic, hpa] = ["elastic", "hpa"].map(|name| outcome(name, &world, &open));
    assert_eq!(elastic.seconds_under, 0, "{elastic:?}");
    assert!(elastic.actions < hpa.actions, "{elastic:?} {hpa:?}");
    assert!(elastic.pod_hours < hpa.pod_hours, "{elastic:?} {hpa:?}");
}

#[test]
fn days_with_a_smooth_curve_take_fewer_pods_than_a_buffer() {
    let mut random = Random::new("smooth days");
    for mean in [60_000.0, 240_000.0, 1_000_000.0] {
        let arrivals: Vec<u32> = (0..3 * 86_400)
            .map(|second| {
                let hour = f64::from(second) / 3_600.0;
                random.arrivals(100.0 * (1.0 + 0.5 * (hour * std::f64::consts::TAU / 24.0).sin()))
            })
            .collect();
        let (world, open) = (World::default(), sessions(&arrivals, mean));
        let [elastic, agones] = ["elastic", "agones"].map(|name| outcome(name, &world, &open));
        assert_eq!(elastic.seconds_under, 0, "{mean}: {elastic:?}");
        assert!(elastic.pod_hours < agones.pod_hours, "{mean}: {elastic:?} {agones:?}");
    }
}

/// Bursts of a shape, a length and a height that are drawn for each trace, at random times.
fn bursts(random: &mut Random) -> Vec<u32> {
    let (height, length, ramp) = (random.between(1.5, 5.0), random.between(60.0, 1_200.0), random.between(1.0, 60.0));
    let mut rates = vec![80.0_f64; 3 * 86_400];
    let mut at = random.between(600.0, 7_200.0);
    while at < 3.0 * 86_400.0 {
        let this = length * random.between(0.7, 1.3);
        for (second, rate) in rates.iter_mut().enumerate().skip(at as usize).take(this as usize) {
            let risen = ((second as f64 - at) / ramp).clamp(0.0, 1.0);
            *rate = rate.max(80.0 * (1.0 + (height - 1.0) * risen));
        }
        at += this + random.between(1_800.0, 10_000.0);
    }
    rates.into_iter().map(|rate| random.arrivals(rate)).collect()
}

#[test]
fn bursts_of_any_shape_that_recur_are_carried() {
    let mut random = Random::new("bursts");
    let mut under = (0, 0);
    for round in 0..6 {
        let arrivals = bursts(&mut random);
        let (world, open) = (World::default(), sessions(&arrivals, 240_000.0));
        let [elastic, hpa] = ["elastic", "hpa"].map(|name| outcome(name, &world, &open));
        assert!(elastic.pod_hours < hpa.pod_hours, "round {round}: {elastic:?} {hpa:?}");
        under = (under.0 + elastic.seconds_under, under.1 + hpa.seconds_under);
    }
    // Of eighteen days: what is drawn last may be the largest burst of all.
    assert!(under.0 <= under.1.max(60), "{under:?}");
}

#[test]
fn a_step_beyond_all_headroom_is_caught_up_with_within_a_boot() {
    let mut open = vec![100_000.0; 7_200];
    open.extend((0..30).map(|second| 100_000.0 + f64::from(second) * 30_000.0));
    open.extend(vec![1_000_000.0; 3_600]);
    let world = World::default();
    let [elastic, hpa, keda, agones] = ["elastic", "hpa", "keda", "agones"].map(|name| outcome(name, &world, &open));
    assert!(elastic.worst_run_seconds <= 45, "{elastic:?}");
    for other in [hpa, keda, agones] {
        assert!(elastic.seconds_under < other.seconds_under, "{elastic:?} {other:?}");
    }
}

#[test]
fn sessions_have_the_mean_that_was_asked_for() {
    let mut random = Random::seeded(7);
    let arrivals: Vec<u32> = (0..20_000).map(|_| random.arrivals(50.0)).collect();
    for length in [SessionLength::Exponential, SessionLength::Fixed] {
        let open = replay::sessions(&arrivals, 300, length, 12_345.0);
        let mean = open.iter().sum::<f64>() / open.len() as f64;
        assert!((mean - 12_345.0).abs() < 1.0, "{length:?}: {mean}");
    }
}

#[test]
fn a_trace_that_is_none_says_where() {
    let error = replay::parse("# head\n12\n\nx7\n").expect_err("x7 is no number");
    assert_eq!(error.line, 4);
    assert!(replay::parse("12\n-1\n").is_err());
}

#[test]
fn the_plot_has_a_panel_for_each_policy() {
    let open = vec![50_000.0; 600];
    let world = World::default();
    let replays: Vec<_> = policies::NAMES
        .iter()
        .map(|name| replay::replay(&world, &open, &mut *policies::by_name(name, &world).expect("known")))
        .collect();
    let svg = plot::svg(&world, &open, &replays);
    assert!(policies::NAMES.iter().all(|name| svg.contains(name)));
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"));
}
