//! How quickly clients are asked to leave.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chat_wire::{GoawayReason, ServerFrame};
use rand::RngExt as _;

use crate::live::Connection;

/// How often some are asked.
pub(super) const TICK: Duration = Duration::from_millis(100);
/// What those who are asked last get to open a connection elsewhere: this part of the time, and no more than so much.
const LAST_PART: f64 = 0.3;
const LAST: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// Everybody was asked by then.
    asked_by: Instant,
    /// And has gone by then.
    pub(super) deadline: Instant,
}

impl Pace {
    /// All within `time`.
    pub(super) fn within(time: Duration) -> Self {
        let now = Instant::now();
        let last = time.mul_f64(LAST_PART).min(LAST);
        Self { asked_by: now + time.saturating_sub(last), deadline: now + time }
    }

    /// The last is asked when `time` is over.
    pub(super) fn over(time: Duration) -> Self {
        let end = Instant::now() + time;
        Self { asked_by: end, deadline: end }
    }

    /// As [`Self::within`], but at most `rate` a second are asked: then it takes longer.
    pub(super) fn gentle(connections: usize, time: Duration, rate: Option<f64>) -> Self {
        let pace = Self::within(time);
        #[allow(clippy::cast_precision_loss)] // so many connections no machine has
        let least = rate.map_or(0.0, |rate| connections as f64 / rate.max(0.1));
        let asked_by = pace.asked_by.max(Instant::now() + Duration::from_secs_f64(least.min(86_400.0)));
        Self { asked_by, deadline: asked_by + (pace.deadline - pace.asked_by) }
    }

    /// The same, ending within `time` from now at the latest.
    pub(super) fn hastened(self, time: Duration) -> Self {
        let most = Self::within(time);
        Self { asked_by: self.asked_by.min(most.asked_by), deadline: self.deadline.min(most.deadline) }
    }

    /// Seconds to the deadline, for the log.
    pub(super) fn seconds(self) -> f64 {
        self.deadline.saturating_duration_since(Instant::now()).as_secs_f64()
    }

    /// Takes those off the queue who are to be asked in the tick that begins `now`: evenly over the time left.
    pub(super) fn take_due<T>(self, queue: &mut Vec<T>, now: Instant) -> Vec<T> {
        let left = self.asked_by.saturating_duration_since(now);
        if left <= TICK {
            return std::mem::take(queue);
        }
        #[allow(clippy::cast_precision_loss)] // so many connections no machine has
        let expected = queue.len() as f64 * TICK.as_secs_f64() / left.as_secs_f64();
        // A few connections over a long time: now and then one, at random.
        let one_more = rand::rng().random_bool(expected.fract());
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and the length
        let due = expected as usize + usize::from(one_more);
        queue.split_off(queue.len().saturating_sub(due))
    }
}

/// Asks a connection to go to another node, at a moment of its own within the tick.
pub(super) fn ask(connection: &Arc<Connection>, reason: GoawayReason) {
    let most = u64::try_from(TICK.as_millis()).unwrap_or(u64::MAX);
    connection.send(&ServerFrame::Goaway { reconnect_after_ms: rand::rng().random_range(0..most), reason });
}

/// Those of a list that are still there.
pub(super) fn alive(list: Vec<Weak<Connection>>) -> impl Iterator<Item = Arc<Connection>> {
    list.into_iter().filter_map(|connection| connection.upgrade())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// How many are asked in each second, with one tick after another.
    fn each_second(pace: Pace, connections: usize) -> Vec<usize> {
        let (mut queue, mut now, mut seconds): (Vec<usize>, _, Vec<usize>) =
            ((0..connections).collect(), Instant::now(), Vec::new());
        while !queue.is_empty() {
            let mut asked = 0;
            for _ in 0..10 {
                asked += pace.take_due(&mut queue, now).len();
                now += TICK;
            }
            seconds.push(asked);
        }
        seconds
    }

    #[test]
    fn the_time_given_is_used_evenly() {
        let asked = each_second(Pace::within(SECOND * 60), 5_500);
        assert_eq!(asked.iter().sum::<usize>(), 5_500);
        assert!((54..=56).contains(&asked.len()), "{asked:?}");
        assert!(asked[..54].iter().all(|n| (80..=120).contains(n)), "{asked:?}");
    }

    #[test]
    fn the_rate_that_others_admit_is_kept() {
        let pace = Pace::gentle(10_000, SECOND * 10, Some(250.0));
        let asked = each_second(pace, 10_000);
        assert!(asked.iter().all(|n| *n <= 300), "{asked:?}");
        assert!((39..=42).contains(&asked.len()), "{asked:?}");
        assert_eq!(pace.deadline - pace.asked_by, SECOND * 3);
        let few = Pace::gentle(10, SECOND * 10, Some(250.0)).seconds();
        assert!((9.5..=10.0).contains(&few), "{few}");
    }

    #[test]
    fn few_are_not_all_asked_at_once() {
        let longest = (0..20).map(|_| each_second(Pace::within(SECOND * 100), 3).len()).max();
        assert!(longest > Some(30), "{longest:?}");
    }

    #[test]
    fn haste_never_makes_longer() {
        let slow = Pace::within(SECOND * 100);
        let fast = slow.hastened(SECOND * 10);
        assert!((9.0..=10.0).contains(&fast.seconds()) && fast.asked_by < slow.asked_by);
        assert_eq!(fast.hastened(SECOND * 50), fast);
    }
}
