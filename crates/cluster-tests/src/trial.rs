use std::sync::Arc;
use std::time::{Duration, Instant};

use elastic_chat_load::report::Report;
use elastic_chat_load::scenario::{Crowd, Plan, Target, open_loop};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use crate::course::{Course, Curve, Row, Trouble};
use crate::rig::Rig;
use crate::table;

/// Of a trial with several faults: the tests' own limit is shorter.
const MOST: Duration = Duration::from_mins(15);

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
    /// From the fault on; with several faults, after the last.
    pub after: Duration,
    /// Through the proxy in front of the balancer, so that the way of the people can be broken too.
    pub by_proxy: bool,
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
            by_proxy: false,
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
        let (before, after) = (self.before, self.after);
        let course = self.course(rig, before + after, async |course| {
            let at = Instant::now();
            fault(rig).await;
            course.rows.lock().push(Row { name: self.name, from: at, to: at + after });
        });
        let troubles = course.await;
        troubles.into_iter().next().expect("one fault")
    }

    /// The same with several faults, one after another: `faults` lets them happen by [`Course::fault`], and each begins when
    /// all is as before. Then people go on talking for `after`.
    ///
    /// # Panics
    /// As [`Self::run`].
    pub async fn run_each(self, rig: &Rig, faults: impl AsyncFnOnce(&Course)) -> Vec<Trouble> {
        let after = self.after;
        self.course(rig, MOST, async |course| {
            faults(course).await;
            tokio::time::sleep(after).await;
            course.stop.cancel();
        })
        .await
    }

    async fn course(&self, rig: &Rig, duration: Duration, faults: impl AsyncFnOnce(&Course)) -> Vec<Trouble> {
        let target = self.target(rig, duration);
        println!("{}: CHAT_SEED={}", self.name, target.seed);
        let mut crowd = Crowd::gather(&target, self.rooms * self.members).await.expect("people");
        for room in 0..self.rooms {
            let members = (room * self.members..(room + 1) * self.members).collect();
            crowd.room(members, false).await.expect("a room");
        }
        crowd.connect(1, false).await.expect("connections");
        let shared = Arc::clone(&crowd.shared);
        let (curve, stop) = (Arc::new(Curve::default()), CancellationToken::new());
        let watching = tokio::spawn(Arc::clone(&curve).follow(Arc::clone(&shared), stop.clone()));
        let plan = Plan { rate: self.rate, text: 100, owner_only: false, storm: None, stop: stop.clone() };
        let course = Course { rate: self.rate, curve, rows: Mutex::default(), stop: stop.clone() };
        let talking = async {
            let report = open_loop(self.name, &target, crowd, &plan).await;
            stop.cancel();
            report
        };
        let breaking = async {
            tokio::time::sleep(self.before).await;
            faults(&course).await;
        };
        let (report, ()) = tokio::join!(talking, breaking);
        watching.await.expect("the curve");
        let report = report.expect("a verdict");
        report.print();
        let rows = course.rows.lock().clone();
        let mut troubles = Vec::new();
        for row in rows {
            let trouble = course.curve.trouble(self.rate, &row);
            println!("{}: {trouble:?}", row.name);
            table::note(row.name, self.rate, course.curve.acked(&row), &report, &trouble);
            troubles.push(trouble);
        }
        check(&report, self);
        troubles
    }

    fn target(&self, rig: &Rig, duration: Duration) -> Target {
        let seed = std::env::var("CHAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            u64::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().expect("eight bytes"))
        });
        let authority = if self.by_proxy { rig.ports().nginx_proxy().to_string() } else { rig.authority() };
        Target {
            url: format!("http://{authority}"),
            server_pid: None,
            json: None,
            prefix: format!("f{}", &uuid::Uuid::new_v4().simple().to_string()[..12]),
            duration: duration.as_secs_f64(),
            warmup: 0.0,
            seed,
            quiet: false,
        }
    }
}

#[allow(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
fn check(report: &Report, trial: &Trial) {
    let (verdict, name) = (&report.history, trial.name);
    assert!(verdict.sound(), "{name}: {verdict}");
    let sent = trial.rate * report.seconds;
    assert!(verdict.acked as f64 > sent * 0.9, "{name}: {} of {sent} were acked: {:?}", verdict.acked, report.errors);
    assert_eq!(verdict.open, 0, "{name}: every send has an answer in the end");
}
