//! A model of the cluster around the plan: pods that lose their clients, a ReplicaSet controller that chooses as the real
//! one does, an operator that dies between any two steps.

use proptest::prelude::*;

use super::*;
use crate::drain::marks::DRAINED_COST;

const DRAIN: f64 = 60.0;

fn policy() -> Policy {
    Policy { drain_seconds: DRAIN, max_draining: 2, frozen: false, rolling: false }
}

fn gateway(name: &str, connections: f64, created: f64) -> Gateway {
    Gateway {
        name: name.to_owned(),
        created,
        ready: true,
        connections: Some(connections),
        state: Some(State::Serving),
        ..Gateway::default()
    }
}

fn draining(mut pod: Gateway, since: f64) -> Gateway {
    pod.marks.draining_since = Some(since);
    pod.ready = false;
    pod.state = Some(State::Draining);
    pod
}

#[test]
fn the_fewest_connections_go_first_then_the_newest() {
    let pods = [gateway("a", 9.0, 1.0), gateway("b", 5.0, 1.0), gateway("c", 5.0, 2.0), gateway("d", 7.0, 9.0)];
    let steps = plan(&pods, 4, 2, &policy(), 100.0);
    assert_eq!(steps, [Step::Mark { pod: "c".into() }, Step::Mark { pod: "b".into() }]);
}

#[test]
fn no_more_than_allowed_drain_at_once() {
    let mut pods: Vec<_> = (0..10).map(|n| gateway(&format!("p{n}"), f64::from(n), 1.0)).collect();
    pods[0] = draining(pods[0].clone(), 99.0);
    assert_eq!(plan(&pods, 10, 2, &policy(), 100.0), [Step::Mark { pod: "p1".into() }]);
}

#[test]
fn a_marked_pod_that_serves_is_told_again() {
    let mut pods = [gateway("a", 9.0, 1.0), gateway("b", 5.0, 1.0)];
    pods[1].marks.draining_since = Some(100.0);
    assert_eq!(plan(&pods, 2, 1, &policy(), 120.0), [Step::Drain { pod: "b".into(), seconds: 40 }]);
}

#[test]
fn growth_takes_draining_pods_back_before_it_creates() {
    let pods = [gateway("a", 9.0, 1.0), draining(gateway("b", 5.0, 1.0), 90.0), draining(gateway("c", 8.0, 1.0), 90.0)];
    assert_eq!(plan(&pods, 3, 2, &policy(), 100.0)[0], Step::TakeBack { pod: "c".into() });
    let steps = plan(&pods, 3, 5, &policy(), 100.0);
    assert_eq!(
        steps,
        [Step::TakeBack { pod: "c".into() }, Step::TakeBack { pod: "b".into() }, Step::Scale { from: 3, to: 5 },]
    );
}

#[test]
fn what_does_not_answer_is_replaced_not_taken_back() {
    let mut silent = draining(gateway("b", 5.0, 1.0), 90.0);
    silent.state = None;
    let steps = plan(&[gateway("a", 9.0, 1.0), silent], 2, 2, &policy(), 100.0);
    assert_eq!(steps, [Step::Scale { from: 2, to: 3 }]);
}

#[test]
fn a_frozen_fleet_begins_nothing_but_ends_what_was_begun() {
    let frozen = Policy { frozen: true, ..policy() };
    let mut empty = draining(gateway("b", 0.0, 1.0), 90.0);
    empty.state = Some(State::Drained);
    let pods = [gateway("a", 9.0, 1.0), empty, gateway("c", 2.0, 1.0)];
    assert_eq!(plan(&pods, 3, 1, &frozen, 100.0), [Step::Finish { pod: "b".into(), left: 0.0 }]);
}

#[test]
fn a_rollout_is_left_alone() {
    let rolling = Policy { rolling: true, ..policy() };
    let pods: Vec<_> = (0..5).map(|n| gateway(&format!("p{n}"), 1.0, 1.0)).collect();
    assert_eq!(plan(&pods, 4, 2, &rolling, 100.0), []);
    assert_eq!(plan(&pods, 4, 6, &rolling, 100.0), [Step::Scale { from: 4, to: 6 }]);
}

#[test]
fn replicas_that_never_came_are_dropped_first() {
    let pods = [gateway("a", 9.0, 1.0), gateway("b", 5.0, 1.0)];
    assert_eq!(plan(&pods, 5, 2, &policy(), 100.0), [Step::Scale { from: 5, to: 2 }]);
}

/// The world: what the API server, the kubelets and the ReplicaSet controller do.
struct World {
    pods: Vec<Gateway>,
    replicas: u32,
    born: u32,
    now: f64,
    /// Pods that were removed with people on them though their drain had not ended.
    cut: Vec<String>,
    /// Given up before they ever came up. They may still come up, but not while a deletion is under way: that takes the
    /// real controller milliseconds, and then there is SIGTERM's own drain.
    given_up: Vec<String>,
}

impl World {
    fn new(pods: u32) -> Self {
        let mut world =
            Self { pods: Vec::new(), replicas: pods, born: 0, now: 1_000.0, cut: Vec::new(), given_up: Vec::new() };
        world.replicate();
        world
    }

    /// As the ReplicaSet controller: pending before running, unready before ready, lower cost first, newest first.
    fn replicate(&mut self) {
        let wanted = self.replicas as usize;
        while self.pods.len() > wanted {
            let victim = (0..self.pods.len()).min_by(|a, b| {
                let key = |n: &usize| {
                    let pod = &self.pods[*n];
                    (!pod.pending, pod.ready, pod.marks.deletion_cost.unwrap_or(0))
                };
                key(a).cmp(&key(b)).then_with(|| self.pods[*b].created.total_cmp(&self.pods[*a].created))
            });
            let pod = self.pods.remove(victim.expect("a pod"));
            let over = pod.marks.draining_since.is_some_and(|since| self.now >= since + DRAIN);
            if pod.connections.unwrap_or(0.0) > 0.0 && !over && !self.given_up.contains(&pod.name) {
                self.cut.push(pod.name);
            }
        }
        while self.pods.len() < wanted {
            self.born += 1;
            let pod =
                Gateway { name: format!("p{}", self.born), created: self.now, pending: true, ..Gateway::default() };
            self.pods.push(pod);
        }
    }

    fn pass(&mut self, seconds: f64, total: f64) {
        self.now += seconds;
        let deleting = self.pods.len() > self.replicas as usize;
        for pod in &mut self.pods {
            if deleting && self.given_up.contains(&pod.name) {
                continue;
            }
            pod.pending &= self.now - pod.created <= 2.0;
            if !pod.pending && pod.state.is_none() && self.now - pod.created > 8.0 {
                pod.state = Some(State::Serving);
                pod.connections = Some(0.0);
            }
            pod.ready = pod.state == Some(State::Serving);
            if let (Some(State::Draining), Some(here)) = (pod.state, pod.connections) {
                let left = (here - seconds * 40.0).max(0.0);
                pod.connections = Some(left);
                if left == 0.0 {
                    pod.state = Some(State::Drained);
                }
            }
        }
        let staying: f64 = self.pods.iter().filter(|pod| !pod.ready).filter_map(|pod| pod.connections).sum();
        let ready = self.pods.iter().filter(|pod| pod.ready).count();
        for pod in self.pods.iter_mut().filter(|pod| pod.ready) {
            #[allow(clippy::cast_precision_loss)]
            let share = (total - staying).max(0.0) / ready as f64;
            pod.connections = Some(share);
        }
    }

    fn take(&mut self, step: &Step) {
        let now = self.now;
        let pod = |world: &mut Self, name: &str, change: &dyn Fn(&mut Gateway)| {
            if let Some(pod) = world.pods.iter_mut().find(|pod| pod.name == name) {
                change(pod);
            }
        };
        match step {
            Step::Mark { pod: name } => {
                self.given_up.retain(|given_up| given_up != name);
                pod(self, name, &|pod| {
                    pod.marks = Marks { draining_since: Some(now), ..Marks::default() };
                });
            }
            Step::Drain { pod: name, .. } => pod(self, name, &|pod| {
                pod.state = Some(State::Draining);
                pod.ready = false;
            }),
            Step::Finish { pod: name, .. } => {
                if self.pods.iter().any(|pod| pod.name == *name && pod.connections.is_none()) {
                    self.given_up.push(name.clone());
                }
                pod(self, name, &|pod| {
                    pod.marks.drained_at = Some(now);
                    pod.marks.deletion_cost = Some(DRAINED_COST);
                });
            }
            Step::TakeBack { pod: name } => pod(self, name, &|pod| {
                pod.state = Some(State::Serving);
                pod.marks = Marks::default();
            }),
            Step::Scale { from, to } => {
                assert_eq!(*from, self.replicas);
                self.replicas = *to;
            }
        }
    }
}

proptest! {
    /// Whatever is wanted when, however many steps an operator manages before it dies, and however late the ReplicaSet
    /// controller is: nobody is cut before the drain is over, no more drain than allowed, and in the end all is as wanted.
    #[test]
    fn nobody_is_cut_and_what_is_wanted_comes(
        first in 1u32..8,
        turns in prop::collection::vec((1u32..9, 0usize..5, any::<bool>(), 0.5f64..6.0), 1..80),
        last in 1u32..9,
    ) {
        let mut world = World::new(first);
        let total = 4_000.0;
        world.pass(20.0, total);
        for (desired, done, replicates, seconds) in turns {
            for step in plan(&world.pods, world.replicas, desired, &policy(), world.now).iter().take(done) {
                world.take(step);
            }
            let going = world.pods.iter().filter(|pod| pod.marks.draining_since.is_some() && !pod.marks.finished()).count();
            prop_assert!(going <= 2, "{going} drain");
            if replicates {
                world.replicate();
            }
            world.pass(seconds, total);
            prop_assert!(world.cut.is_empty(), "{:?} were cut", world.cut);
        }
        for _ in 0..400 {
            for step in plan(&world.pods, world.replicas, last, &policy(), world.now) {
                world.take(&step);
            }
            world.replicate();
            world.pass(2.0, total);
        }
        prop_assert!(world.cut.is_empty());
        prop_assert_eq!(world.replicas, last);
        prop_assert!(world.pods.iter().all(|pod| pod.ready && pod.marks == Marks::default()), "{:?}", world.pods);
        prop_assert_eq!(plan(&world.pods, world.replicas, last, &policy(), world.now), []);
    }
}
