//! Leaving without cutting anyone: no new connections, `goaway` spread over the time given, then the rest is closed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chat_wire::{GoawayReason, ServerFrame, close_code};
use rand::RngExt as _;

use crate::Node;

#[derive(Debug, Default)]
pub struct Drain {
    begun: AtomicBool,
}

impl Drain {
    pub fn begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }
}

/// Tells every connection to reconnect at a moment of its own within `spread`. Idempotent. Where to they go is not ours to
/// say: the balancer sees that this node is not ready.
pub fn begin(node: &Arc<Node>, reason: GoawayReason, spread: Duration) {
    if node.drain.begun.swap(true, Ordering::AcqRel) {
        return;
    }
    let most = u64::try_from(spread.as_millis()).unwrap_or(u64::MAX).max(1);
    let connections = node.delivery.connections.all();
    tracing::info!(
        connections = connections.len(),
        spread_ms = most,
        ?reason,
        "draining: clients are asked to reconnect elsewhere"
    );
    for connection in connections {
        let reconnect_after_ms = rand::rng().random_range(0..most);
        connection.send(&ServerFrame::Goaway { reconnect_after_ms, reason });
    }
}

/// Waits until all connections have gone, at most `deadline`.
pub async fn wait(node: &Arc<Node>, deadline: Duration) {
    let gone = async {
        while node.delivery.connections.count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(deadline, gone).await.is_err() {
        tracing::info!(connections = node.delivery.connections.count(), "the drain time is over");
    }
}

/// Closes what is left: clients resume on another node, or on this one when it is back.
pub fn close_all(node: &Arc<Node>) {
    for connection in node.delivery.connections.all() {
        connection.close(close_code::RESTART, "the server restarts");
    }
}
