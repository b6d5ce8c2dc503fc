//! How a trial goes: what was acknowledged and delivered in the course of time, and which faults there were.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use elastic_chat_load::client::Shared;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

/// All is as before when it was for so long.
const CALM: Duration = Duration::from_secs(1);
/// A fault's consequences end within this, or the test fails.
const PATIENCE: Duration = Duration::from_mins(1);
const PERIOD: Duration = Duration::from_millis(20);

/// A trial that goes on.
pub struct Course {
    pub(crate) rate: f64,
    pub(crate) curve: Arc<Curve>,
    pub(crate) rows: Mutex<Vec<Row>>,
    pub(crate) stop: CancellationToken,
}

/// One fault, with the time that counts as its.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub name: &'static str,
    pub from: Instant,
    pub to: Instant,
}

impl Course {
    /// Lets a fault happen, waits until all is as before, and notes how long it was not.
    ///
    /// # Panics
    /// It is not within a minute.
    pub async fn fault(&self, name: &'static str, happening: impl Future<Output = ()>) -> Trouble {
        let from = Instant::now();
        let deliveries = self.curve.deliveries(self.begin(), from);
        println!("{name}: {:.1} s after the begin", from.duration_since(self.begin()).as_secs_f64());
        happening.await;
        let healed = Instant::now();
        let mut calm = healed;
        while calm.elapsed() < CALM {
            tokio::time::sleep(PERIOD).await;
            let (behind, now) = (self.curve.behind(self.rate, from), Instant::now());
            let slow = self.curve.deliveries(now - CALM, now) < deliveries * 0.8;
            if behind > self.rate * 0.1 || slow && now.duration_since(healed) > CALM {
                calm = now;
            }
            assert!(
                healed.elapsed() < PATIENCE,
                "{name}: {behind} acks behind after a minute, deliveries slow: {slow}"
            );
        }
        let row = Row { name, from, to: Instant::now() };
        self.rows.lock().push(row);
        self.curve.trouble(self.rate, &row)
    }

    /// The first second is left out.
    fn begin(&self) -> Instant {
        self.curve.points.lock().first().map_or_else(Instant::now, |point| point.at + CALM)
    }
}

/// How long what was not as before, from the fault on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trouble {
    /// Until acks had caught up with the sends to half a second, for good.
    pub acks: Duration,
    /// The longest time without any ack.
    pub ack_gap: Duration,
    /// The longest time without any live delivery.
    pub delivery_gap: Duration,
}

#[derive(Default)]
pub(crate) struct Curve {
    points: Mutex<Vec<Point>>,
}

#[derive(Clone, Copy)]
struct Point {
    at: Instant,
    acked: u64,
    delivered: u64,
}

impl Curve {
    pub(crate) async fn follow(self: Arc<Self>, shared: Arc<Shared>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let acked = shared.stats.acked.load(Ordering::Relaxed);
            let delivered = shared.stats.delivered.load(Ordering::Relaxed);
            self.points.lock().push(Point { at: Instant::now(), acked, delivered });
            tokio::time::sleep(PERIOD).await;
        }
    }

    pub(crate) fn trouble(&self, rate: f64, row: &Row) -> Trouble {
        let points = self.points.lock();
        let after: Vec<Point> = points.iter().filter(|p| p.at >= row.from && p.at <= row.to).copied().collect();
        let base = acked_at(&points, row.from);
        let behind = |p: &&Point| p.behind(rate, row.from, base) > rate * 0.5;
        let acks = after.iter().rev().find(behind).map_or(Duration::ZERO, |p| p.at.duration_since(row.from));
        Trouble { acks, ack_gap: gap(&after, |p| p.acked), delivery_gap: gap(&after, |p| p.delivered) }
    }

    /// How many were acknowledged in that time.
    pub(crate) fn acked(&self, row: &Row) -> u64 {
        let points = self.points.lock();
        acked_at(&points, row.to) - acked_at(&points, row.from)
    }

    /// How many acks are lacking now.
    fn behind(&self, rate: f64, fault: Instant) -> f64 {
        let points = self.points.lock();
        let base = acked_at(&points, fault);
        points.last().map_or(0.0, |point| point.behind(rate, fault, base))
    }

    /// How many messages a second came to people.
    #[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    fn deliveries(&self, from: Instant, to: Instant) -> f64 {
        let points = self.points.lock();
        let mut between = points.iter().filter(|p| p.at >= from && p.at <= to);
        let Some(first) = between.next() else { return 0.0 };
        let last = between.next_back().unwrap_or(first);
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        (last.delivered - first.delivered) as f64 / seconds.max(PERIOD.as_secs_f64())
    }
}

impl Point {
    /// Acks that are lacking. Sends go on at their rate, whatever happens; at the fault all were acked.
    #[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    fn behind(&self, rate: f64, fault: Instant, base: u64) -> f64 {
        self.at.duration_since(fault).as_secs_f64() * rate - (self.acked - base) as f64
    }
}

fn acked_at(points: &[Point], at: Instant) -> u64 {
    points.iter().rev().find(|p| p.at <= at).map_or(0, |p| p.acked)
}

/// The longest time in which a counter stood.
fn gap(points: &[Point], counter: impl Fn(&Point) -> u64) -> Duration {
    let mut longest = Duration::ZERO;
    let Some(mut moved) = points.first() else { return longest };
    for point in points {
        if counter(point) != counter(moved) {
            longest = longest.max(point.at.duration_since(moved.at));
            moved = point;
        }
    }
    points.last().map_or(longest, |last| longest.max(last.at.duration_since(moved.at)))
}
