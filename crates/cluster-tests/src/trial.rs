use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use elastic_chat_load::client::Shared;
use elastic_chat_load::report::Report;
use elastic_chat_load::scenario::{Crowd, Plan, Target, open_loop};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::rig::Rig;
use crate::table;

/// People who talk, all the time.
#[derive(Debug, Clone)]
pub struct Trial {
    /// For the table, and as the begin of the accounts' names.
    pub name: &'static str,
    /// Messages a second, all together.
    pub rate: f64,
    pub rooms: usize,
    pub members: usize,
    /// Before the fault.
    pub before: Duration,
    /// From the fault on.
    pub after: Duration,
}

impl Trial {
    /// 500 messages a second in twenty rooms of four.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            rate: 500.0,
            rooms: 20,
            members: 4,
            before: Duration::from_secs(4),
            after: Duration::from_secs(12),
        }
    }

    /// That many seconds of traffic from the fault on.
    #[must_use]
    pub fn after(self, seconds: u64) -> Self {
        Self { after: Duration::from_secs(seconds), ..self }
    }

    /// Has people talk, lets `fault` happen among them, and checks what everybody saw. Prints and notes how long things were
    /// not as before.
    ///
    /// # Panics
    /// An acknowledged message was lost, doubled or out of order, or traffic did not come back.
    pub async fn run(self, rig: &Rig, fault: impl AsyncFnOnce(&Rig)) -> Trouble {
        let seed = std::env::var("CHAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            u64::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().expect("eight bytes"))
        });
        println!("{}: CHAT_SEED={seed}", self.name);
        let target = Target {
            url: format!("http://{}", rig.authority()),
            server_pid: None,
            json: None,
            prefix: format!("f{}", &uuid::Uuid::new_v4().simple().to_string()[..12]),
            duration: (self.before + self.after).as_secs_f64(),
            warmup: 0.0,
            seed,
            quiet: false,
        };
        let mut crowd = Crowd::gather(&target, self.rooms * self.members).await.expect("people");
        for room in 0..self.rooms {
            let members = (room * self.members..(room + 1) * self.members).collect();
            crowd.room(members, false).await.expect("a room");
        }
        crowd.connect(1, false).await.expect("connections");
        let shared = Arc::clone(&crowd.shared);
        let curve = Arc::new(Curve::default());
        let stop = CancellationToken::new();
        let watching = tokio::spawn(Arc::clone(&curve).follow(Arc::clone(&shared), stop.clone()));
        let plan = Plan { rate: self.rate, text: 100, owner_only: false, storm: None, stop: CancellationToken::new() };
        let talking = open_loop(self.name, &target, crowd, &plan);
        let breaking = async {
            tokio::time::sleep(self.before).await;
            let at = Instant::now();
            fault(rig).await;
            at
        };
        let (report, at) = tokio::join!(talking, breaking);
        stop.cancel();
        watching.await.expect("the curve");
        let report = report.expect("a verdict");
        report.print();
        let trouble = curve.trouble(&self, at);
        println!("{}: {trouble:?}", self.name);
        table::note(&self, &report, &trouble);
        check(&report, &self);
        trouble
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn check(report: &Report, trial: &Trial) {
    let verdict = &report.history;
    assert!(verdict.sound(), "{}: {verdict}", trial.name);
    let sent = trial.rate * (trial.before + trial.after).as_secs_f64();
    assert!(
        verdict.acked as f64 > sent * 0.9,
        "{}: {} of {sent} were acked: {:?}",
        trial.name,
        verdict.acked,
        report.errors
    );
    assert_eq!(verdict.open, 0, "{}: every send has an answer in the end", trial.name);
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
struct Curve {
    points: Mutex<Vec<Point>>,
}

#[derive(Clone, Copy)]
struct Point {
    at: Instant,
    acked: u64,
    delivered: u64,
}

impl Curve {
    async fn follow(self: Arc<Self>, shared: Arc<Shared>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let acked = shared.stats.acked.load(Ordering::Relaxed);
            let delivered = shared.stats.delivered.load(Ordering::Relaxed);
            self.points.lock().push(Point { at: Instant::now(), acked, delivered });
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    #[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
    fn trouble(&self, trial: &Trial, fault: Instant) -> Trouble {
        let points = self.points.lock();
        let end = fault + trial.after;
        let after: Vec<Point> = points.iter().filter(|p| p.at >= fault && p.at <= end).copied().collect();
        // Sends go on at their rate, whatever happens; before the fault all were acked.
        let base = points.iter().rev().find(|p| p.at <= fault).map_or(0, |p| p.acked);
        let behind = |p: &Point| {
            let sent = p.at.duration_since(fault).as_secs_f64() * trial.rate;
            sent - (p.acked - base) as f64 > trial.rate * 0.5
        };
        let acks = after.iter().rev().find(|p| behind(p)).map_or(Duration::ZERO, |p| p.at.duration_since(fault));
        Trouble { acks, ack_gap: gap(&after, |p| p.acked), delivery_gap: gap(&after, |p| p.delivered) }
    }
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
