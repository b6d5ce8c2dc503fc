//! Leaving without cutting anyone: no new connections, then `goaway` to one after another over the time given, and only
//! who is still there at its end is closed. The operator may take a drain back; the end of the process may not.

mod pace;
mod shed;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chat_wire::{GoawayReason, ServerFrame, close_code};
use parking_lot::Mutex;
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::live::Connection;
use pace::{Pace, TICK};
pub use shed::shed;

/// How long counting the other nodes may take.
const COUNT_DEADLINE: Duration = Duration::from_secs(1);
/// Of what the other nodes admit: the rest is for everybody else, and for other nodes that drain.
const SHARE: f64 = 0.5;

#[derive(Default)]
pub struct Drain {
    begun: AtomicBool,
    state: Mutex<State>,
    runs: AtomicU32,
    ending: CancellationToken,
}

#[derive(Default)]
struct State {
    run: Option<Run>,
    /// The process ends: nobody takes that back.
    final_one: bool,
}

/// A drain that runs.
struct Run {
    id: u32,
    reason: GoawayReason,
    pace: Pace,
    /// Who has to be asked yet, in random order.
    queue: Vec<Weak<Connection>>,
    stop: CancellationToken,
}

/// How far a drain is.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Status {
    /// `serving`, `draining` or `drained`.
    pub state: &'static str,
    pub connections: usize,
    /// Until the last should have gone; 0 when nothing is drained.
    pub deadline_seconds: u64,
}

/// The process ends, and its drain with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending;

impl Drain {
    pub fn new(ending: CancellationToken) -> Self {
        Self { ending, ..Self::default() }
    }

    pub fn begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }

    /// Cancelled when the rest is closed: nothing new may begin.
    pub fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// How many have to be asked yet.
    pub fn to_ask(&self) -> usize {
        self.state.lock().run.as_ref().map_or(0, |run| run.queue.len())
    }

    fn next_id(&self) -> u32 {
        self.runs.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1)
    }

    /// A connection was welcomed. In a drain it is asked to leave like all the others: it came in between.
    pub fn welcomed(&self, connection: &Arc<Connection>) {
        connection.welcomed.store(true, Ordering::SeqCst);
        let mut state = self.state.lock();
        if let Some(run) = &mut state.run
            && connection.asked.swap(run.id, Ordering::SeqCst) != run.id
        {
            let at = rand::rng().random_range(0..=run.queue.len());
            run.queue.insert(at, Arc::downgrade(connection));
        }
    }

    fn status(&self, connections: usize) -> Status {
        let state = self.state.lock();
        let deadline = state.run.as_ref().map(|run| run.pace.deadline.saturating_duration_since(Instant::now()));
        Status {
            state: match (state.run.is_some() || state.final_one, connections) {
                (false, _) => "serving",
                (true, 0) => "drained",
                (true, _) => "draining",
            },
            connections,
            deadline_seconds: deadline
                .map_or(0, |left| left.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)),
        }
    }
}

pub fn status(node: &Node) -> Status {
    node.drain.status(node.delivery.connections.count())
}

/// Begins to drain within `time`, or longer where the other nodes could not admit so many so quickly. While a drain runs
/// nothing changes: it is neither begun anew nor extended. Where clients go is not ours to say: the balancer sees that this
/// node is not ready.
pub async fn begin(node: &Arc<Node>, reason: GoawayReason, time: Duration) -> Status {
    let admitted = admitted_per_second(node).await;
    start(node, reason, |connections| Pace::gentle(connections, time, admitted));
    status(node)
}

/// The same for the end of the process: within `time` whatever the others admit, since nobody gives more. A drain that runs
/// goes on where it stands, faster if it has to.
pub async fn end(node: &Arc<Node>, reason: GoawayReason, time: Duration) -> Instant {
    node.drain.state.lock().final_one = true;
    node.drain.begun.store(true, Ordering::Release);
    let admitted = admitted_per_second(node).await;
    let running = {
        let mut state = node.drain.state.lock();
        state.run.as_mut().map(|run| {
            run.pace = run.pace.hastened(time);
            (run.pace, run.queue.len())
        })
    };
    if let Some((pace, left)) = running {
        tracing::info!(left, seconds = pace.seconds(), "the drain that runs goes on");
        return pace.deadline;
    }
    let mut most = 0;
    let pace = start(node, reason, |connections| {
        most = connections;
        Pace::within(time)
    });
    if Pace::gentle(most, time, admitted).deadline > pace.deadline + TICK {
        tracing::warn!(
            connections = most,
            seconds = time.as_secs(),
            "the other nodes may not admit so many in this time: a longer --drain-seconds would spare them retries"
        );
    }
    pace.deadline
}

/// Asks everybody in this moment: there is no other node, and clients come back when this one does.
pub fn end_alone(node: &Arc<Node>, reason: GoawayReason, within: Duration) {
    node.drain.state.lock().final_one = true;
    start(node, reason, |_| Pace::within(Duration::ZERO));
    let most = u64::try_from(within.as_millis()).unwrap_or(u64::MAX).max(1);
    let all = {
        let mut state = node.drain.state.lock();
        state.run.as_mut().map(|run| std::mem::take(&mut run.queue)).unwrap_or_default()
    };
    for connection in pace::alive(all) {
        let reconnect_after_ms = rand::rng().random_range(0..most);
        connection.send(&ServerFrame::Goaway { reconnect_after_ms, reason });
    }
}

/// Takes a drain back: the node takes connections again, and who was not asked yet stays.
///
/// # Errors
/// The process ends.
pub fn cancel(node: &Node) -> Result<Status, Ending> {
    {
        let mut state = node.drain.state.lock();
        if state.final_one {
            return Err(Ending);
        }
        if let Some(run) = state.run.take() {
            run.stop.cancel();
            for connection in run.queue.iter().filter_map(Weak::upgrade) {
                // Not asked, after all.
                let _ = connection.asked.compare_exchange(run.id, 0, Ordering::SeqCst, Ordering::SeqCst);
            }
            tracing::info!(stay = run.queue.len(), "the drain was taken back: the node takes connections again");
        }
        node.drain.begun.store(false, Ordering::Release);
    }
    Ok(status(node))
}

/// Begins a drain, unless one runs; the pace of the one that runs.
fn start(node: &Arc<Node>, reason: GoawayReason, pace: impl FnOnce(usize) -> Pace) -> Pace {
    let mut state = node.drain.state.lock();
    if let Some(run) = &state.run {
        return run.pace;
    }
    node.drain.begun.store(true, Ordering::Release);
    let id = node.drain.next_id();
    // Who is not welcomed yet is asked when they are.
    let mut connections = node.delivery.connections.all();
    connections.retain(|connection| connection.welcomed.load(Ordering::SeqCst));
    connections.shuffle(&mut rand::rng());
    for connection in &connections {
        connection.asked.store(id, Ordering::SeqCst);
    }
    let pace = pace(connections.len());
    tracing::info!(
        connections = connections.len(),
        seconds = pace.seconds(),
        ?reason,
        "draining: clients are asked to reconnect elsewhere"
    );
    let queue = connections.iter().map(Arc::downgrade).collect();
    let stop = node.drain.ending.child_token();
    state.run = Some(Run { id, reason, pace, queue, stop: stop.clone() });
    drop(state);
    node.delivery.tasks.spawn(ask_in_turn(Arc::clone(node), id, stop));
    pace
}

async fn ask_in_turn(node: Arc<Node>, id: u32, stop: CancellationToken) {
    loop {
        let (due, reason) = {
            let mut state = node.drain.state.lock();
            let Some(run) = state.run.as_mut().filter(|run| run.id == id) else { return };
            (run.pace.take_due(&mut run.queue, Instant::now()), run.reason)
        };
        pace::alive(due).for_each(|connection| pace::ask(&connection, reason));
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// How many connections the other nodes take in a second, as far as their limits go; `None` when these are off.
async fn admitted_per_second(node: &Node) -> Option<f64> {
    let quota = node.config.limits.handshakes.get()?;
    let leases = tokio::time::timeout(COUNT_DEADLINE, node.backends.directory.leases()).await;
    // At least one, or nobody could ever go: a node that comes up may be on its way.
    let others = leases.ok().and_then(Result::ok).map_or(1, |leases| leases.len().saturating_sub(1).max(1));
    #[allow(clippy::cast_precision_loss)] // numbers of nodes and milliseconds
    let rate = others as f64 * f64::from(quota.count) * 1_000.0 / quota.per_ms as f64;
    Some(rate * SHARE)
}

/// Waits until all connections have gone, at most until `deadline`.
pub async fn wait(node: &Arc<Node>, deadline: Instant) {
    let gone = async {
        while node.delivery.connections.count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout_at(deadline.into(), gone).await.is_err() {
        tracing::info!(connections = node.delivery.connections.count(), "the drain time is over");
    }
}

/// Closes what is left: clients resume on another node, or on this one when it is back. Who comes in the same moment is
/// closed as well.
pub fn close_all(node: &Arc<Node>) {
    node.drain.ending.cancel();
    let mut cut = 0;
    for connection in node.delivery.connections.all() {
        if connection.outbox.closing().is_none() {
            cut += 1;
            connection.close(close_code::RESTART, "the server restarts");
        }
    }
    if cut > 0 {
        node.counters.sessions_cut.inc_by(cut);
        tracing::info!(sessions = cut, "closed those who had not moved");
    }
}
