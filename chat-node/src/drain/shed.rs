//! Giving some connections away to nodes that have fewer.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chat_wire::GoawayReason;
use rand::seq::SliceRandom as _;

use super::pace::{self, Pace, TICK};
use crate::Node;
use crate::live::Connection;

/// Asks `count` random connections, over `time`, to reconnect: the balancer gives them to whoever has room. How many there
/// are to ask: those who were asked before do not count, and in a drain everybody is asked anyway.
pub fn shed(node: &Arc<Node>, count: usize, time: Duration) -> usize {
    if node.drain.begun() {
        return 0;
    }
    let id = node.drain.next_id();
    let mut chosen = node.delivery.connections.all();
    chosen.retain(|connection| connection.welcomed.load(Ordering::SeqCst));
    chosen.shuffle(&mut rand::rng());
    let free = |connection: &Arc<Connection>| {
        connection.asked.compare_exchange(0, id, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    };
    let chosen: Vec<Weak<Connection>> = chosen.iter().filter(|one| free(one)).take(count).map(Arc::downgrade).collect();
    let shed = chosen.len();
    if shed > 0 {
        tracing::info!(connections = shed, seconds = time.as_secs(), "some clients are asked to reconnect elsewhere");
        node.delivery.tasks.spawn(ask_in_turn(Arc::clone(node), id, chosen, Pace::over(time)));
    }
    shed
}

async fn ask_in_turn(node: Arc<Node>, id: u32, mut queue: Vec<Weak<Connection>>, pace: Pace) {
    while !queue.is_empty() {
        for connection in pace::alive(pace.take_due(&mut queue, Instant::now())) {
            // A drain that began meanwhile asks it.
            if connection.asked.load(Ordering::SeqCst) == id {
                pace::ask(&connection, GoawayReason::Rebalance);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            () = node.drain.ending().cancelled() => return,
        }
    }
}
