//! Where demand is going: a slope that noise does not bend, and that a surge does at once.

use serde::{Deserialize, Serialize};

use crate::rounded;

/// At least so far back, in seconds.
const SPAN_SECONDS: f64 = 60.0;
const POINTS: usize = 32;
/// Below it every pair of points says as much as chance does.
const FEWEST_POINTS: usize = 3;
/// One-sided confidence of a slope: 97.7 %.
const CONFIDENCE_Z: f64 = 2.0;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Trend {
    points: Vec<Point>,
}

/// Demand and what was forecast from it, both in pods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    #[serde(rename = "t")]
    pub at: f64,
    #[serde(rename = "d")]
    pub demand: f64,
    #[serde(rename = "f")]
    pub forecast: f64,
}

impl Trend {
    /// Forgets everything: the points are of another unit or another clock.
    pub fn clear(&mut self) {
        self.points.clear();
    }

    /// Adds what is known now and gives the slope in pods a second, never below zero.
    pub fn add(&mut self, now: f64, demand: f64, horizon: f64) -> f64 {
        let span = SPAN_SECONDS.max(horizon * 1.2);
        self.points.retain(|point| point.at < now && point.at >= now - span * 1.1);
        #[allow(clippy::cast_precision_loss)] // a small constant
        let apart = span / (POINTS - 2) as f64;
        let replaces = match self.points.as_slice() {
            // The newest point gives way to the reading of now, unless it is old enough to stay.
            [.., before, last] => last.at - before.at < apart * 0.99,
            _ => false,
        };
        if replaces || self.points.len() >= POINTS {
            self.points.pop();
        }
        self.points.push(Point { at: rounded(now), demand: rounded(demand), forecast: rounded(demand) });
        let slope = self.slope(now, span);
        if let Some(last) = self.points.last_mut() {
            last.forecast = rounded(demand + slope * horizon);
        }
        slope
    }

    /// What was forecast for `now`, `horizon` seconds ago. `None` when nothing was recorded about then.
    pub fn forecast_for(&self, now: f64, horizon: f64) -> Option<f64> {
        let due = now - horizon;
        let nearest = self.points.iter().min_by(|a, b| (a.at - due).abs().total_cmp(&(b.at - due).abs()))?;
        ((nearest.at - due).abs() <= horizon * 0.1 + 2.0 && nearest.at < now).then_some(nearest.forecast)
    }

    /// The largest of the slopes over the last eighth, quarter, half and whole of the span, each taken at its lower
    /// confidence limit: few points have to agree, many may differ. A surge shows in the short ones, a slow rise in
    /// the long ones, noise in none.
    fn slope(&self, now: f64, span: f64) -> f64 {
        let mut best: f64 = 0.0;
        for share in [0.07, 0.125, 0.25, 0.5, 1.0] {
            let from = now - span * share - 1e-6;
            let start = self.points.partition_point(|point| point.at < from);
            best = best.max(lower_limit(&self.points[start..]));
        }
        best
    }
}

/// The lower confidence limit of the Theil–Sen slope (Sen 1968: the pair slope of rank `(N − z·σ) / 2`, where
/// `σ² = n(n−1)(2n+5)/18` is the variance of Kendall's statistic). Minus infinity for too few points.
fn lower_limit(points: &[Point]) -> f64 {
    if points.len() < FEWEST_POINTS {
        return f64::NEG_INFINITY;
    }
    let mut slopes = Vec::with_capacity(points.len() * (points.len() - 1) / 2);
    for (index, early) in points.iter().enumerate() {
        for late in &points[index + 1..] {
            slopes.push((late.demand - early.demand) / (late.at - early.at));
        }
    }
    #[allow(clippy::cast_precision_loss)] // at most 32 points
    let (n, pairs) = (points.len() as f64, slopes.len() as f64);
    let deviation = (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and the number of pairs
    let rank = ((pairs - CONFIDENCE_Z * deviation) / 2.0).max(0.0) as usize;
    let (_, limit, _) = slopes.select_nth_unstable_by(rank, f64::total_cmp);
    *limit
}
