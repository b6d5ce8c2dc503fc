//! Hints to other nodes: gathered for each node while a publish to it is under way, then sent as one.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_core::NodeId;
use chat_wire::NodeFrame;
use parking_lot::Mutex;

use crate::counters::count;
use crate::keys;
use crate::redis_handle::Redis;
use crate::request::Request;

/// Bytes of one publish. A single frame may be larger.
const PACKED: usize = 256 * 1024;
/// Bytes that may wait for one node.
const QUEUED: usize = 8 * 1024 * 1024;
/// Between two lines in the log about hints that could not be published.
const QUIET: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Queue {
    /// Encoded frames.
    frames: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    /// The next publish: a JSON list of as many frames as fit, and their number.
    fn pack(&mut self) -> (Vec<u8>, usize) {
        let mut packed = Vec::with_capacity(self.bytes.min(PACKED) + self.frames.len().min(1_024) + 2);
        let mut frames = 0;
        packed.push(b'[');
        while let Some(frame) = self.frames.pop_front_if(|frame| frames == 0 || packed.len() + frame.len() < PACKED) {
            if frames > 0 {
                packed.push(b',');
            }
            packed.extend_from_slice(&frame);
            self.bytes -= frame.len();
            frames += 1;
        }
        packed.push(b']');
        (packed, frames)
    }
}

/// A queue for each node that has something under way. A node's queue is gone when it is empty.
pub(crate) struct Publisher {
    redis: Redis,
    queues: Mutex<HashMap<NodeId, Queue>>,
    warned: Mutex<Option<tokio::time::Instant>>,
}

impl Publisher {
    pub(crate) fn new(redis: Redis) -> Self {
        Self { redis, queues: Mutex::default(), warned: Mutex::default() }
    }

    /// Queues frames. They go at once when nothing is under way to the node. Never waits.
    pub(crate) fn publish(self: &Arc<Self>, node: &NodeId, frames: &[NodeFrame]) {
        if frames.is_empty() || self.redis.inner.token.is_cancelled() {
            return;
        }
        let encoded: Vec<Bytes> = frames.iter().map(encode).collect();
        let bytes: usize = encoded.iter().map(Bytes::len).sum();
        let idle = {
            let mut queues = self.queues.lock();
            let idle = !queues.contains_key(node);
            let queue = queues.entry(node.clone()).or_default();
            if queue.bytes + bytes > QUEUED && !idle {
                drop(queues);
                self.dropped(node, frames.len(), &"the queue is full");
                return;
            }
            queue.frames.extend(encoded);
            queue.bytes += bytes;
            idle
        };
        if idle {
            let (publisher, node) = (Arc::clone(self), node.clone());
            let token = self.redis.inner.token.clone();
            self.redis.inner.tasks.spawn(async move {
                if token.run_until_cancelled(publisher.flush(&node)).await.is_none() {
                    publisher.queues.lock().remove(&node);
                }
            });
        }
    }

    /// Publishes until nothing is left. One at a time, so that the order stays.
    async fn flush(&self, node: &NodeId) {
        let channel = keys::channel(node);
        loop {
            let (packed, frames) = {
                let mut queues = self.queues.lock();
                let Some(queue) = queues.get_mut(node) else { return };
                if queue.frames.is_empty() {
                    queues.remove(node);
                    return;
                }
                queue.pack()
            };
            let request = Request::command("SPUBLISH", &channel).arg(packed);
            if let Err(error) = self.redis.call(&request).await {
                self.dropped(node, frames, &error);
            }
        }
    }

    fn dropped(&self, node: &NodeId, frames: usize, why: &dyn std::fmt::Display) {
        count(&self.redis.inner.counters.hints_dropped, frames);
        let now = tokio::time::Instant::now();
        let mut warned = self.warned.lock();
        if warned.is_none_or(|at| now.duration_since(at) >= QUIET) {
            *warned = Some(now);
            tracing::warn!(%node, frames, %why, "hints were dropped; nodes will find out by comparing positions");
        }
    }
}

/// One frame as an element of a packed list.
fn encode(frame: &NodeFrame) -> Bytes {
    let list = NodeFrame::encode_packed(std::slice::from_ref(frame));
    list.slice(1..list.len() - 1)
}

#[cfg(test)]
mod tests {
    use chat_core::UserId;

    use super::*;

    fn frame(n: u128, size: usize) -> NodeFrame {
        let user = UserId::from_bytes(n.to_be_bytes());
        NodeFrame::ToUser { user, frame: Bytes::from(format!("\"{}\"", "x".repeat(size))) }
    }

    #[test]
    fn packed_frames_are_read_back_in_order_and_are_bounded() {
        let frames: Vec<_> = (0..5).map(|n| frame(n, 100 * 1024)).collect();
        let mut queue = Queue::default();
        for frame in &frames {
            let encoded = encode(frame);
            queue.bytes += encoded.len();
            queue.frames.push_back(encoded);
        }
        let mut read = Vec::new();
        while !queue.frames.is_empty() {
            let (packed, count) = queue.pack();
            assert!(packed.len() <= PACKED && count <= 2, "{} bytes", packed.len());
            read.extend(NodeFrame::decode_packed(&packed).expect("readable"));
        }
        assert_eq!((read, queue.bytes), (frames, 0));
    }

    #[test]
    fn a_large_frame_goes_alone() {
        let mut queue = Queue::default();
        for n in 0..2 {
            let encoded = encode(&frame(n, 300 * 1024));
            queue.bytes += encoded.len();
            queue.frames.push_back(encoded);
        }
        assert_eq!(queue.pack().1, 1);
        assert_eq!(queue.pack().1, 1);
    }
}
