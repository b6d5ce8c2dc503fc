//! Who this process is, to those who read what it left in Redis.

use std::collections::HashMap;
use std::time::Duration;

use chat_core::NodeId;
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::time::Instant;

/// A lease that was renewed this recently need not be made sure of.
const SURE_FOR: Duration = Duration::from_secs(5);

/// The process's random incarnation, and the lives of the nodes it acts for (one, but in tests).
///
/// A node that Redis had forgotten begins a new life: what it made before stays void, even when somebody who still sees
/// the old entries removes them while it makes them anew.
pub(crate) struct Identities {
    process: u64,
    nodes: Mutex<HashMap<NodeId, Node>>,
}

#[derive(Default)]
struct Node {
    life: u32,
    renewed: bool,
    sure: Option<Instant>,
}

impl Identities {
    pub(crate) fn new() -> Self {
        Self { process: rand::rng().random(), nodes: Mutex::default() }
    }

    /// Sixteen hexadecimal digits.
    pub(crate) fn process(&self) -> String {
        format!("{:016x}", self.process)
    }

    /// Process and life, as one word.
    pub(crate) fn incarnation(&self, node: &NodeId) -> String {
        let life = self.nodes.lock().get(node).map_or(0, |node| node.life);
        format!("{:016x}.{life}", self.process)
    }

    /// `node/incarnation`: how the node's entries are marked.
    pub(crate) fn member(&self, node: &NodeId) -> String {
        format!("{node}/{}", self.incarnation(node))
    }

    /// Was its lease renewed or made a moment ago?
    pub(crate) fn is_sure(&self, node: &NodeId) -> bool {
        self.nodes.lock().get(node).and_then(|node| node.sure).is_some_and(|sure| sure.elapsed() < SURE_FOR)
    }

    pub(crate) fn made_sure(&self, node: &NodeId) {
        self.nodes.lock().entry(node.clone()).or_default().sure = Some(Instant::now());
    }

    /// Redis had forgotten it. True when it begins a new life: the first renewal of a process does not.
    pub(crate) fn forgotten(&self, node: &NodeId) -> bool {
        let mut nodes = self.nodes.lock();
        let node = nodes.entry(node.clone()).or_default();
        let again = std::mem::replace(&mut node.renewed, true);
        if again {
            node.life = node.life.wrapping_add(1);
        }
        again
    }

    pub(crate) fn retired(&self, node: &NodeId) {
        if let Some(node) = self.nodes.lock().get_mut(node) {
            node.sure = None;
        }
    }
}
