//! The stabilisation window: the most that was needed in the last minutes.

use serde::{Deserialize, Serialize};

use crate::rounded;

const BUCKETS: f64 = 40.0;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Window {
    /// Since when nothing was missed.
    since: Option<f64>,
    /// The most that was needed, by stretch of time; oldest first.
    peaks: Vec<Peak>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Peak {
    #[serde(rename = "t")]
    start: f64,
    #[serde(rename = "p")]
    pods: f64,
}

impl Window {
    /// Begins anew: what came before can't be compared or was not seen.
    pub fn restart(&mut self, now: f64) {
        self.since = Some(rounded(now));
        self.peaks.clear();
    }

    /// Time went by unseen. What was seen stays, but the window is not whole before it has passed again.
    pub fn interrupt(&mut self, now: f64) {
        self.since = Some(rounded(now));
    }

    /// Adds what is needed now.
    pub fn add(&mut self, now: f64, needed: f64, length: f64) {
        if self.since.is_none() {
            self.restart(now);
        }
        let stretch = length / BUCKETS;
        self.peaks.retain(|peak| peak.start <= now && peak.start + stretch + length >= now);
        // What a later peak exceeds will never be the most again.
        while self.peaks.len() > 1 && self.peaks.last().is_some_and(|last| last.pods <= needed) {
            self.peaks.pop();
        }
        match self.peaks.last_mut() {
            Some(last) if now < last.start + stretch => last.pods = last.pods.max(rounded(needed)),
            _ => self.peaks.push(Peak { start: rounded(now), pods: rounded(needed) }),
        }
    }

    /// The most that was needed since one length ago.
    pub fn most(&self) -> f64 {
        self.peaks.iter().fold(0.0, |most, peak| most.max(peak.pods))
    }

    /// Whether one whole length was seen without a gap.
    pub fn is_whole(&self, now: f64, length: f64) -> bool {
        self.since.is_some_and(|since| now - since >= length)
    }
}
