//! The burst reserve: how far demand was seen to outrun the forecast, and how far it may once in a month.

use serde::{Deserialize, Serialize};

use crate::rounded;

/// One observation is the largest surprise of so many seconds, so that one burst counts once.
const BLOCK_SECONDS: f64 = 600.0;
const DAY_SECONDS: f64 = 86_400.0;
/// Surprises are remembered for so long: what comes daily is still known when it comes again.
const REMEMBERED_SECONDS: f64 = 2.0 * DAY_SECONDS;
/// The reserve is the surprise that is exceeded once in so many seconds: a month.
const RETURN_SECONDS: f64 = 30.0 * DAY_SECONDS;
/// A tail is estimated from so many of the largest surprises.
const TAIL: usize = 5;
/// A surprise below this part of the largest is of another kind: noise, beside bursts.
const ALIKE: f64 = 0.5;
/// A new record is taken to exceed the old one by at most this factor.
const RECORD: f64 = 1.25;
/// What is kept, so that a tail is left when the oldest go.
const KEPT: usize = 16;
/// An autoscaler with a fixed target acts when it is exceeded by this part (the HPA's tolerance); it surely keeps no
/// more headroom than that leaves.
const TOLERANCE: f64 = 0.1;
/// What rare bursts may cost when the spec gives no limit beyond the target, as a share of the mean.
const HEADROOM_WITHOUT_LIMIT: f64 = 0.5;
/// The mean of demand is over so many seconds: bursts hardly move it.
const MEAN_SECONDS: f64 = 3_600.0;

/// The largest differences of demand and forecast, in pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Reserve {
    /// When the running block began.
    began: Option<f64>,
    /// Its largest surprise until now. `None`: nothing could be compared yet.
    largest: Option<f64>,
    /// Seconds of blocks that were seen, up to those that are remembered.
    seen: f64,
    /// The largest surprises of all remembered blocks, largest first.
    top: Vec<Surprise>,
    /// A slow mean of demand, in pods.
    mean: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Surprise {
    #[serde(rename = "t")]
    at: f64,
    #[serde(rename = "p")]
    pods: f64,
}

impl Reserve {
    /// Forgets everything: pods are of another unit now.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Ends the running block when its time is over. Before the reading of now is looked at, so that one reading
    /// never changes the reserve of its own decision.
    pub fn advance(&mut self, now: f64) {
        let began = *self.began.get_or_insert(rounded(now));
        if (0.0..BLOCK_SECONDS).contains(&(now - began)) {
            return;
        }
        self.began = Some(rounded(now));
        self.top.retain(|surprise| surprise.at >= now - REMEMBERED_SECONDS && surprise.at <= now);
        if let Some(pods) = self.largest.take() {
            self.seen = (self.seen + BLOCK_SECONDS).min(REMEMBERED_SECONDS);
            let place = self.top.partition_point(|other| other.pods >= pods);
            self.top.insert(place, Surprise { at: rounded(now), pods });
            self.top.truncate(KEPT);
        }
    }

    /// Notes demand and what was forecast for now, in pods; `passed` is in seconds.
    pub fn observe(&mut self, demand: f64, forecast: Option<f64>, passed: f64) {
        if let Some(forecast) = forecast {
            let surprise = rounded((demand - forecast).max(0.0));
            self.largest = Some(self.largest.map_or(surprise, |largest| largest.max(surprise)));
        }
        let weight = 1.0 - (-passed / MEAN_SECONDS).exp();
        self.mean = Some(rounded(self.mean.map_or(demand, |mean| mean + weight * (demand - mean))));
    }

    /// The slow mean of demand, in pods; that of now while there is none.
    pub fn mean(&self, demand: f64) -> f64 {
        self.mean.unwrap_or(demand)
    }

    /// What is kept for bursts, in pods. `headroom` is what the owner would have kept: limit over target, less 1.
    pub fn pods(&self, headroom: Option<f64>, demand: f64) -> f64 {
        let mean = self.mean(demand);
        let most = headroom.unwrap_or(HEADROOM_WITHOUT_LIMIT) * mean;
        // What came five times is kept whatever it costs; what is rarer only within what the owner would have kept.
        let repeated = self.top.get(TAIL - 1).map_or(0.0, |surprise| surprise.pods);
        self.learned().min(most.max(repeated)).max(self.unknown(headroom, mean))
    }

    /// What nothing is known of yet: the headroom of a fixed target. It goes with the first day, and with each burst
    /// that shows what bursts are like.
    fn unknown(&self, headroom: Option<f64>, mean: f64) -> f64 {
        let fixed = headroom.map_or(0.0, |headroom| ((1.0 + headroom) / (1.0 + TOLERANCE) - 1.0).max(0.0)) * mean;
        let bursts = self.top.iter().take_while(|surprise| surprise.pods >= fixed / 4.0).take(TAIL).count();
        #[allow(clippy::cast_precision_loss)] // at most 5
        let unseen = 1.0 - bursts as f64 / TAIL as f64;
        fixed * unseen * (1.0 - self.seen / DAY_SECONDS).max(0.0)
    }

    /// The surprise that is exceeded once in a month, by the largest that were seen: peaks over a threshold with an
    /// exponential tail (the estimator of Weissman 1978, `x_k + c·ln(k·T/t)` with the mean excess `c`).
    fn learned(&self) -> f64 {
        let Some(first) = self.top.first() else { return 0.0 };
        let alike = self.top.iter().take(TAIL).take_while(|surprise| surprise.pods >= ALIKE * first.pods).count();
        if alike < 2 {
            return RECORD * first.pods;
        }
        let tail = &self.top[..alike];
        let least = tail[alike - 1].pods;
        #[allow(clippy::cast_precision_loss)] // at most 5
        let count = alike as f64;
        let excess = tail.iter().map(|surprise| surprise.pods - least).sum::<f64>() / (count - 1.0);
        let level = least + excess * (count * RETURN_SECONDS / self.seen.max(BLOCK_SECONDS)).ln();
        level.clamp(first.pods, RECORD * first.pods)
    }
}
