//! Whether a node whose backends fail should get clients all the same.

use std::time::{Duration, Instant};

use chat_cluster::Health;
use parking_lot::Mutex;

/// A log that is away for longer is this node's own trouble, or everybody's: either way clients are no worse off elsewhere.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node alone is ready when everything answers. In a cluster all nodes stand on the same systems: were they all to step
/// back when one of these fails, nothing would be left that could go on without it. So only a log that stays away makes a
/// node unready, once it served.
#[derive(Debug)]
pub struct Readiness {
    cluster: bool,
    log_away_since: Mutex<Option<Instant>>,
}

impl Readiness {
    pub fn new(cluster: bool) -> Self {
        Self { cluster, log_away_since: Mutex::new(None) }
    }

    pub fn judge(&self, health: &[Health], now: Instant) -> bool {
        if !self.cluster {
            return health.iter().all(|health| health.problem.is_none());
        }
        let away = health.iter().any(|health| health.name == "log" && health.problem.is_some());
        let mut since = self.log_away_since.lock();
        if !away {
            *since = None;
            return true;
        }
        now.duration_since(*since.get_or_insert(now)) < PATIENCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(failing: &'static str) -> Vec<Health> {
        let problem = |name| (name == failing).then(|| "away".to_owned());
        ["log", "tail", "store"].map(|name| Health { name, problem: problem(name) }).to_vec()
    }

    #[test]
    fn alone_everything_must_answer() {
        let (readiness, now) = (Readiness::new(false), Instant::now());
        assert!(readiness.judge(&failing("none"), now));
        assert!(!readiness.judge(&failing("store"), now));
    }

    #[test]
    fn in_a_cluster_only_a_log_that_stays_away_counts() {
        let (readiness, start) = (Readiness::new(true), Instant::now());
        for name in ["none", "tail", "store"] {
            assert!(readiness.judge(&failing(name), start));
        }
        assert!(readiness.judge(&failing("log"), start));
        assert!(readiness.judge(&failing("log"), start + PATIENCE / 2));
        assert!(!readiness.judge(&failing("log"), start + PATIENCE));
        assert!(readiness.judge(&failing("none"), start + PATIENCE));
        assert!(readiness.judge(&failing("log"), start + PATIENCE * 2), "counted from anew");
    }
}
