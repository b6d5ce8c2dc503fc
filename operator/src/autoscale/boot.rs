//! How long a gateway takes from its creation to its serving, as measured: that is how far a decision must look ahead.
//!
//! A pod's `Ready` condition has the time of its *last* change. So only a pod whose whole life was seen tells how long it
//! booted: one that was there before may have been unready for minutes and have come back, or belong to a ChatCluster of
//! the same name that is being removed.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::cache::pods::PodView;

/// As many of the last boots count.
const KEPT: usize = 20;
/// A boot counts for so long: as long as the engine remembers bursts. What comes daily is still known.
const REMEMBERED_SECONDS: f64 = 2.0 * 86_400.0;
/// A boot that took longer had another cause than booting.
const MOST_SECONDS: f64 = 300.0;
/// From so many on, those far from the others are left out.
const FENCED: usize = 4;
/// A boot is far out when it is so many interquartile ranges above the upper quartile (the outer fence of Tukey 1977).
/// As soon as a quarter of the boots are as slow, for new nodes say, the fence is beyond them and they count.
const OUTER_FENCE: f64 = 3.0;
/// Kubernetes counts whole seconds, so boots that are all alike spread by at least this, and at least by this part of
/// the upper quartile.
const LEAST_SPREAD_SECONDS: f64 = 1.0;
const LEAST_SPREAD: f64 = 0.25;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Boot {
    /// When it was over; seconds since the Unix epoch.
    #[serde(rename = "t")]
    at: f64,
    #[serde(rename = "s")]
    seconds: f64,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boots {
    last: VecDeque<Boot>,
    /// Pods that say nothing, or have said it. `None`: nobody has looked yet.
    #[serde(skip)]
    known: Option<HashSet<String>>,
}

impl Boots {
    /// Takes in pods that have become ready since the look before, at `now` (seconds since the Unix epoch). The first look
    /// learns nothing.
    pub fn look(&mut self, pods: &[Arc<PodView>], now: f64) {
        let Some(known) = &mut self.known else {
            self.known = Some(pods.iter().map(|pod| pod.uid.clone()).collect());
            return;
        };
        known.retain(|uid| pods.iter().any(|pod| pod.uid == *uid));
        for pod in pods {
            let Some(ready_at) = pod.ready_at else { continue };
            if !known.insert(pod.uid.clone()) || pod.restarts > 0 {
                continue;
            }
            let took = ready_at - pod.created;
            if (0.0..=MOST_SECONDS).contains(&took) {
                self.last.push_back(Boot { at: now.round(), seconds: took.max(1.0) }); // Kubernetes counts whole seconds
                if self.last.len() > KEPT {
                    self.last.pop_front();
                }
            }
        }
        // A clock that was put back a little is no reason to forget.
        self.last.retain(|boot| (-60.0..=REMEMBERED_SECONDS).contains(&(now - boot.at)));
    }

    /// The 95th percentile of those that are not far from the others. `None` before the first. In seconds.
    pub fn p95(&self) -> Option<f64> {
        let mut sorted: Vec<f64> = self.last.iter().map(|boot| boot.seconds).collect();
        sorted.sort_by(f64::total_cmp);
        if sorted.len() >= FENCED {
            let (lower, upper) = (percentile(&sorted, 25)?, percentile(&sorted, 75)?);
            let spread = (upper - lower).max(LEAST_SPREAD_SECONDS).max(LEAST_SPREAD * upper);
            sorted.retain(|seconds| *seconds <= upper + OUTER_FENCE * spread);
        }
        percentile(&sorted, 95)
    }
}

/// By the nearest rank.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    sorted.get((sorted.len() * percent).div_ceil(100).max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::pods::Component;

    const NOW: f64 = 10_000.0;

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

    /// What is learned from pods that took so long, one after the other.
    fn learned(took: &[f64]) -> Boots {
        let mut boots = Boots::default();
        boots.look(&[], NOW);
        let pods: Vec<_> = took.iter().enumerate().map(|(name, took)| pod(name, *took)).collect();
        for seen in 1..=pods.len() {
            boots.look(&pods[..seen], NOW);
        }
        boots
    }

    #[test]
    fn each_pod_counts_once_and_an_hour_is_no_boot() {
        assert_eq!(Boots::default().p95(), None);
        assert_eq!(learned(&[5.0]).last.len(), 1);
        let boots = learned(&[5.0, 6.0, 3_600.0]);
        assert_eq!((boots.last.len(), boots.p95()), (2, Some(6.0)));
    }

    #[test]
    fn a_pod_that_was_there_before_says_nothing() {
        // It became ready again five minutes after it was created, or it is another cluster's of this name.
        let mut boots = Boots::default();
        boots.look(&[pod(1, 280.0), pod(2, 280.0)], NOW);
        boots.look(&[pod(1, 280.0), pod(2, 280.0), pod(3, 5.0)], NOW);
        assert_eq!((boots.last.len(), boots.p95()), (1, Some(5.0)));
    }

    #[test]
    fn slow_boots_count_when_they_are_many_and_not_when_they_are_few() {
        let mixed = |slow: usize, quick: usize| {
            let took: Vec<f64> = std::iter::repeat_n(280.0, slow).chain(std::iter::repeat_n(5.0, quick)).collect();
            learned(&took).p95()
        };
        assert_eq!(mixed(2, 1), Some(280.0), "three are too few to tell");
        assert_eq!(mixed(2, 6), Some(5.0), "the first two pulled an image");
        assert_eq!(mixed(2, 18), Some(5.0));
        assert_eq!(mixed(6, 14), Some(280.0), "every third needs a new node");
        // Ordinary differences are no outliers.
        assert_eq!(learned(&[4.0, 5.0, 5.0, 6.0, 7.0, 9.0]).p95(), Some(9.0));
        assert_eq!(learned(&[30.0, 32.0, 41.0, 55.0]).p95(), Some(55.0));
    }

    #[test]
    fn a_boot_is_forgotten_after_two_days_and_after_twenty_others() {
        let mut boots = learned(&[280.0, 280.0]);
        boots.look(&[], NOW + REMEMBERED_SECONDS / 2.0);
        assert_eq!(boots.p95(), Some(280.0));
        boots.look(&[], NOW + REMEMBERED_SECONDS + 1.0);
        assert_eq!(boots.p95(), None);
        let many = learned(&[&[280.0; 6][..], &[5.0; 20]].concat());
        assert_eq!((many.last.len(), many.p95()), (KEPT, Some(5.0)));
    }

    #[test]
    fn it_is_kept_as_it_is() {
        let boots = learned(&[5.0, 6.0]);
        let kept = serde_json::to_value(&boots).expect("JSON");
        assert_eq!(kept, serde_json::json!([{"t": NOW, "s": 5.0}, {"t": NOW, "s": 6.0}]));
        let again: Boots = serde_json::from_value(kept).expect("boots");
        assert_eq!(again.p95(), Some(6.0));
    }
}
