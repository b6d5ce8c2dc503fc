use std::collections::HashMap;
use std::sync::Arc;

use chat_core::{ConversationId, ConversationKind, NodeId};
use chat_ports::{ChatStore, LiveTail, PortError};
use parking_lot::RwLock;

use super::connection::Connection;
use super::hub::Hub;

/// The conversations that have a member connected to this node.
pub struct Hubs {
    map: RwLock<HashMap<ConversationId, Arc<Hub>>>,
    node: NodeId,
    tail: Arc<dyn LiveTail>,
    store: Arc<dyn ChatStore>,
}

impl Hubs {
    pub fn new(node: NodeId, tail: Arc<dyn LiveTail>, store: Arc<dyn ChatStore>) -> Self {
        Self { map: RwLock::default(), node, tail, store }
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

    /// The hub, registered with the tail *before* its position is read, so that no event falls between.
    pub async fn open(&self, conversation: ConversationId) -> Result<Arc<Hub>, PortError> {
        let hub = match self.get(conversation) {
            Some(hub) => hub,
            None => Arc::clone(self.map.write().entry(conversation).or_insert_with(|| Hub::new(conversation))),
        };
        hub.ready
            .get_or_try_init(|| async {
                self.tail.register(conversation, &self.node).await?;
                hub.begin_at(&self.tail.head(conversation).await?);
                let row = self.store.conversation(conversation).await?;
                Ok::<_, PortError>(row.map_or(ConversationKind::Group, |row| row.kind))
            })
            .await?;
        Ok(hub)
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
        if removed.is_some()
            && let Err(error) = self.tail.unregister(conversation, &self.node).await
        {
            // The registration lapses with the node's lease at the latest; hints that come meanwhile find no hub.
            tracing::debug!(%conversation, %error, "could not unregister from a conversation");
        }
    }
}
