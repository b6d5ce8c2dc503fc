use std::collections::HashMap;
use std::sync::Arc;

use chat_core::{ConversationId, NodeId};
use chat_ports::LiveTail;
use parking_lot::RwLock;

use super::connection::Connection;
use super::hub::Hub;

/// The conversations that have a member connected to this node.
pub struct Hubs {
    map: RwLock<HashMap<ConversationId, Arc<Hub>>>,
    node: NodeId,
    tail: Arc<dyn LiveTail>,
}

impl Hubs {
    pub fn new(node: NodeId, tail: Arc<dyn LiveTail>) -> Self {
        Self { map: RwLock::default(), node, tail }
    }

    pub fn get(&self, conversation: ConversationId) -> Option<Arc<Hub>> {
        self.map.read().get(&conversation).cloned()
    }

    pub fn count(&self) -> usize {
        self.map.read().len()
    }

    pub fn all(&self) -> Vec<Arc<Hub>> {
        self.map.read().values().cloned().collect()
    }

    pub async fn open(&self, conversation: ConversationId) -> Arc<Hub> {
        let mut hubs = self.open_all(&[conversation]).await;
        hubs.pop().unwrap_or_else(|| Hub::new(conversation))
    }

    /// The hubs, registered with the tail *before* their positions are read, so that no event falls between. While the
    /// tail does not answer they stay without: the comparison of positions makes up for it.
    pub async fn open_all(&self, conversations: &[ConversationId]) -> Vec<Arc<Hub>> {
        let hubs: Vec<Arc<Hub>> = conversations.iter().map(|id| self.entry(*id)).collect();
        let new: Vec<&Arc<Hub>> = hubs.iter().filter(|hub| !hub.is_registered()).collect();
        if new.is_empty() {
            return hubs;
        }
        let ids: Vec<ConversationId> = new.iter().map(|hub| hub.conversation).collect();
        match self.tail.positions(&ids, &self.node).await {
            Ok(heads) => new.iter().zip(&heads).for_each(|(hub, head)| hub.begin_at(head)),
            Err(error) => {
                tracing::debug!(%error, conversations = ids.len(), "live events come later: the tail does not answer");
            }
        }
        hubs
    }

    fn entry(&self, conversation: ConversationId) -> Arc<Hub> {
        match self.get(conversation) {
            Some(hub) => hub,
            None => Arc::clone(self.map.write().entry(conversation).or_insert_with(|| Hub::new(conversation))),
        }
    }

    /// Takes the connection's seat away, and the hub itself when it was the last.
    pub async fn leave(&self, hub: Arc<Hub>, connection: &Arc<Connection>) {
        hub.detach(connection);
        let conversation = hub.conversation;
        drop(hub);
        let removed = {
            let mut map = self.map.write();
            // Whoever else holds the hub is about to seat somebody: then it stays.
            let idle = map.get(&conversation).is_some_and(|hub| hub.is_empty() && Arc::strong_count(hub) == 1);
            if idle { map.remove(&conversation) } else { None }
        };
        if removed.is_some() {
            self.unregister(conversation).await;
        }
    }

    /// Removes hubs in which nobody sits: whoever left last may have found somebody else holding the hub.
    pub async fn sweep(&self) {
        let idle = |hub: &Arc<Hub>| hub.is_empty() && Arc::strong_count(hub) == 1;
        let found: Vec<ConversationId> =
            self.map.read().iter().filter(|(_, hub)| idle(hub)).map(|(id, _)| *id).collect();
        for conversation in found {
            let removed = {
                let mut map = self.map.write();
                if map.get(&conversation).is_some_and(idle) { map.remove(&conversation) } else { None }
            };
            if removed.is_some() {
                self.unregister(conversation).await;
            }
        }
    }

    async fn unregister(&self, conversation: ConversationId) {
        if let Err(error) = self.tail.unregister(conversation, &self.node).await {
            // The registration lapses with the node's lease at the latest; hints that come meanwhile find no hub.
            tracing::debug!(%conversation, %error, "could not unregister from a conversation");
        }
        // Somebody came meanwhile, and their registration may have been before this call.
        if self.get(conversation).is_some()
            && let Err(error) = self.tail.register(conversation, &self.node).await
        {
            tracing::debug!(%conversation, %error, "the comparison of positions registers again");
        }
    }
}
