use std::sync::Arc;

use chat_ports::ConnectionId;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;

/// Connections written between two chances for other tasks.
const YIELD_EVERY: usize = 64;

#[derive(Default)]
struct Shard {
    dirty: Mutex<Vec<Arc<Connection>>>,
    wake: Notify,
}

/// Writes the queues of connections that have something to say, one task per worker thread.
///
/// Coalescing adapts by itself: with little to do a pass begins as soon as the first frame is queued; while a pass
/// over many connections runs, more frames gather in their queues, and the next pass writes each queue in one call.
pub struct Flushers {
    shards: Vec<Shard>,
}

impl Flushers {
    pub fn new(shards: usize) -> Arc<Self> {
        Arc::new(Self { shards: (0..shards.max(1)).map(|_| Shard::default()).collect() })
    }

    pub fn shard_for(&self, id: &ConnectionId) -> usize {
        let low = id.0.as_u128() & u128::from(u32::MAX);
        usize::try_from(low).unwrap_or(0) % self.shards.len()
    }

    pub fn count(&self) -> usize {
        self.shards.len()
    }

    /// The connection's queue went from empty to not empty.
    pub fn schedule(&self, connection: &Arc<Connection>) {
        let shard = &self.shards[connection.shard()];
        let first = {
            let mut dirty = shard.dirty.lock();
            dirty.push(Arc::clone(connection));
            dirty.len() == 1
        };
        if first {
            shard.wake.notify_one();
        }
    }

    /// The task of one shard. Ends when `stop` is cancelled, after a last pass.
    pub async fn run(self: Arc<Self>, shard: usize, stop: CancellationToken) {
        let shard = &self.shards[shard];
        let mut batch = Vec::new();
        loop {
            let stopping = tokio::select! {
                () = shard.wake.notified() => false,
                () = stop.cancelled() => true,
            };
            loop {
                std::mem::swap(&mut *shard.dirty.lock(), &mut batch);
                if batch.is_empty() {
                    break;
                }
                for (written, connection) in batch.drain(..).enumerate() {
                    connection.outbox.flush();
                    if written % YIELD_EVERY == YIELD_EVERY - 1 {
                        tokio::task::yield_now().await;
                    }
                }
                tokio::task::yield_now().await;
            }
            if stopping {
                return;
            }
        }
    }
}
