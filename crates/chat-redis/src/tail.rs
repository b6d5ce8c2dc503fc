//! The tail in Redis.

mod claims;
mod cursors;
mod events;
mod registrations;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{ClientMsgId, ConversationId, Epoch, NodeId, ReadCursor, Rev, Seq, Timestamp, UserId};
use chat_ports::{Appended, ChatStore, Claim, LiveTail, PortError, Repaired, Since, TailEvent, TailHead};
use chat_wire::NodeFrame;
use tokio::sync::mpsc::Receiver;

use crate::publisher::Publisher;
use crate::redis_handle::Redis;
use crate::subscription::Subscriptions;

/// The hot end of every conversation in Redis, and the way from node to node through its sharded channels.
pub struct RedisTail {
    redis: Redis,
    store: Arc<dyn ChatStore>,
    publisher: Arc<Publisher>,
    subscriptions: Subscriptions,
}

impl RedisTail {
    /// A tail over shared connections. `store` answers for claims and cursors that Redis does not have.
    pub fn new(redis: Redis, store: Arc<dyn ChatStore>) -> Self {
        let publisher = Arc::new(Publisher::new(redis.clone()));
        Self { redis, store, publisher, subscriptions: Subscriptions::default() }
    }
}

#[async_trait]
impl LiveTail for RedisTail {
    async fn head(&self, conversation: ConversationId) -> Result<TailHead, PortError> {
        self.read_head(conversation).await
    }

    async fn append(&self, conversation: ConversationId, seq: Seq, event: Bytes) -> Result<Appended, PortError> {
        self.append_event(conversation, seq, &event).await
    }

    async fn repair(
        &self,
        conversation: ConversationId,
        events: Vec<(Seq, Bytes)>,
        persisted: Seq,
    ) -> Result<Repaired, PortError> {
        self.repair_events(conversation, &events, persisted).await
    }

    async fn since(
        &self,
        conversation: ConversationId,
        epoch: &Epoch,
        rev: Rev,
        limit: usize,
    ) -> Result<Since, PortError> {
        self.events_since(conversation, epoch, rev, limit).await
    }

    async fn newer_than(&self, conversation: ConversationId, after: Seq) -> Result<Vec<TailEvent>, PortError> {
        self.events_above(conversation, after).await
    }

    async fn mark_persisted(&self, conversation: ConversationId, seq: Seq) -> Result<(), PortError> {
        self.raise_persisted(conversation, seq).await
    }

    async fn register(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        self.register_node(conversation, node).await
    }

    async fn positions(&self, conversations: &[ConversationId], node: &NodeId) -> Result<Vec<TailHead>, PortError> {
        self.register_all(conversations, node).await
    }

    async fn unregister(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        self.unregister_node(conversation, node).await
    }

    async fn nodes(&self, conversation: ConversationId) -> Result<Vec<NodeId>, PortError> {
        self.registered(conversation).await
    }

    async fn publish(&self, node: &NodeId, frames: Vec<NodeFrame>) -> Result<(), PortError> {
        self.publisher.publish(node, &frames);
        Ok(())
    }

    async fn subscribe(&self, node: &NodeId) -> Result<Receiver<Vec<NodeFrame>>, PortError> {
        self.subscriptions.subscribe(&self.redis, node).await
    }

    async fn claim(&self, conversation: ConversationId, user: UserId, id: ClientMsgId) -> Result<Claim, PortError> {
        self.claim_id(conversation, user, id).await
    }

    async fn hold(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        since: Timestamp,
    ) -> Result<(), PortError> {
        self.hold_claim(conversation, user, id, since).await
    }

    async fn settle(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        seq: Seq,
        at: Timestamp,
    ) -> Result<(), PortError> {
        self.settle_claim(conversation, user, id, seq, at).await
    }

    async fn release(&self, conversation: ConversationId, user: UserId, id: ClientMsgId) -> Result<(), PortError> {
        self.release_claim(conversation, user, id).await
    }

    async fn advance_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        to: ReadCursor,
    ) -> Result<Option<ReadCursor>, PortError> {
        self.advance(conversation, user, to).await
    }

    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError> {
        self.read_cursor(conversation, user).await
    }

    async fn check(&self) -> Result<(), PortError> {
        self.redis.check().await
    }
}
