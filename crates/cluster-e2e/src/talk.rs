use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use elastic_chat_load::client::Shared;
use elastic_chat_load::report::Report;
use elastic_chat_load::scenario::{Crowd, Plan, Target, open_loop};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::strain::strain;

/// Longer than any test.
const LONGEST: Duration = Duration::from_mins(15);

/// So long nothing is done to the cluster at first.
const REST: Duration = Duration::from_secs(4);
/// Nobody may wait longer for a message because of what is done with gateways.
const LATEST: Duration = Duration::from_secs(1);

/// People who talk until they are told to stop, with everything that they see checked.
pub struct Talk {
    shared: Arc<Shared>,
    /// The latest delivery while nothing was done to the cluster.
    rest: Duration,
    /// When it began.
    strain: f64,
    stop: CancellationToken,
    talking: JoinHandle<Report>,
}

impl Talk {
    /// Rooms of two to four people, and so many messages a second in all of them together. Returns when they have
    /// talked for a while: how late messages come then is what this machine takes by itself.
    pub async fn begin(name: &'static str, authority: &str, rooms: usize, members: usize, rate: f64) -> Self {
        let seed = std::env::var("CHAT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
            u64::from_le_bytes(uuid::Uuid::new_v4().as_bytes()[..8].try_into().expect("eight bytes"))
        });
        println!("{name}: CHAT_SEED={seed}");
        let target = Target {
            url: format!("http://{authority}"),
            server_pid: None,
            json: None,
            prefix: format!("e{}", &uuid::Uuid::new_v4().simple().to_string()[..12]),
            duration: LONGEST.as_secs_f64(),
            warmup: 0.0,
            seed,
            quiet: true,
        };
        let mut crowd = Crowd::gather(&target, rooms * members).await.expect("people");
        for room in 0..rooms {
            let members = (room * members..(room + 1) * members).collect();
            crowd.room(members, false).await.expect("a room");
        }
        crowd.connect(1, false).await.expect("connections");
        let (shared, stop) = (Arc::clone(&crowd.shared), CancellationToken::new());
        let plan = Plan { rate, text: 60, owner_only: false, storm: None, stop: stop.clone() };
        let talking = tokio::spawn(async move { open_loop(name, &target, crowd, &plan).await.expect("a verdict") });
        tokio::time::sleep(REST).await;
        let rest = Duration::from_micros(shared.stats.delivery_latency.lock().max());
        Self { shared, rest, strain: strain(), stop, talking }
    }

    /// Connections at the moment.
    pub fn connected(&self) -> usize {
        self.shared.stats.connected.load(Ordering::Relaxed)
    }

    /// Ends it, and sees that nobody noticed that something was done: nobody was cut, and no message came a second later than it
    /// would have come anyway. On a machine that is busy with other work it may take as many times longer as that has more to do
    /// than it can.
    ///
    /// # Panics
    /// Somebody noticed, or as [`Self::end`].
    pub async fn end_unnoticed(self) -> Report {
        let strain = self.strain.max(strain());
        let latest = LATEST.mul_f64(strain) + self.rest;
        println!(
            "at rest the latest message came after {:.2?}; strain {strain:.1}: {latest:.2?} are allowed",
            self.rest
        );
        let mut report = self.end().await;
        if strain > 2.0 {
            // Servers that did not get their turn in time. Who was told so has tried again.
            report.errors.remove("unavailable");
        }
        assert!(report.errors.is_empty(), "{:?}", report.errors);
        assert_eq!(report.reconnects, 0, "nobody was cut");
        let max = Duration::from_secs_f64(report.delivery_ms.max / 1_000.0);
        assert!(max <= latest, "a message came after {max:.2?}");
        report
    }

    /// Ends it, and prints and gives the verdict.
    ///
    /// # Panics
    /// A message was lost, doubled or out of order, or a send has no answer.
    pub async fn end(self) -> Report {
        self.stop.cancel();
        let report = self.talking.await.expect("the people");
        report.print();
        assert!(report.history.sound(), "{}", report.history);
        assert_eq!(report.history.open, 0, "every send has an answer in the end");
        assert!(report.history.acked > 0, "somebody said something");
        report
    }
}
