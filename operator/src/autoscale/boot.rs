//! How long a gateway takes from its creation to its serving, as measured: that is how far a decision must look ahead.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cache::pods::PodView;

/// As many of the last boots count.
const KEPT: usize = 20;
/// A boot that took longer had another cause than booting.
const MOST_SECONDS: f64 = 600.0;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Boots {
    seconds: VecDeque<f64>,
    #[serde(skip)]
    seen: HashSet<String>,
}

impl Boots {
    /// Takes in pods that have become ready. Only the first time counts: a pod that comes back from a drain does not boot.
    pub fn look(&mut self, pods: &[Arc<PodView>]) {
        self.seen.retain(|uid| pods.iter().any(|pod| pod.uid == *uid));
        for pod in pods {
            let Some(ready_at) = pod.ready_at else { continue };
            if !self.seen.insert(pod.uid.clone()) || pod.restarts > 0 {
                continue;
            }
            let took = ready_at - pod.created;
            if (0.0..=MOST_SECONDS).contains(&took) {
                self.seconds.push_back(took.max(1.0)); // Kubernetes counts whole seconds
                if self.seconds.len() > KEPT {
                    self.seconds.pop_front();
                }
            }
        }
    }

    /// The 95th percentile. `None` before the first.
    pub fn p95(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.seconds.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get((sorted.len() * 95).div_ceil(100).max(1) - 1).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::pods::Component;

    fn pod(name: usize, took: f64) -> Arc<PodView> {
        Arc::new(PodView {
            name: format!("p{name}"),
            uid: format!("u{name}"),
            namespace: "n".into(),
            cluster: "c".into(),
            component: Component::Gateway,
            ip: None,
            admin_port: 9090,
            cores: None,
            created: 1_000.0,
            ready_at: Some(1_000.0 + took),
            pending: false,
            terminating: false,
            ended: false,
            restarts: 0,
            marks: crate::drain::Marks::default(),
            trouble: None,
        })
    }

    #[test]
    fn the_slow_ones_count() {
        let mut boots = Boots::default();
        assert_eq!(boots.p95(), None);
        let pods: Vec<_> = (0..20).map(|n| pod(n, if n < 2 { 30.0 } else { 5.0 })).collect();
        boots.look(&pods);
        boots.look(&pods);
        assert_eq!(boots.p95(), Some(30.0));
        boots.look(&[pod(99, 10_000.0)]);
        assert_eq!((boots.seconds.len(), boots.p95()), (20, Some(30.0)), "an hour is no boot");
    }
}
