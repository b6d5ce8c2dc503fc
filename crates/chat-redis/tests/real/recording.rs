//! A tail that notes what it was asked about, so that a test can lose exactly that on a server it shares.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chat_core::{ClientMsgId, ConversationId, Epoch, NodeId, ReadCursor, Rev, Seq, Timestamp, UserId};
use chat_ports::{Appended, Claim, LiveTail, PortError, Repaired, Since, TailEvent, TailHead};
use chat_redis::RedisTail;
use chat_wire::NodeFrame;
use parking_lot::Mutex;
use tokio::sync::mpsc::Receiver;
use uuid::Uuid;

pub struct Recording {
    tail: RedisTail,
    noted: Mutex<HashSet<String>>,
}

impl Recording {
    pub fn new(tail: RedisTail) -> Arc<Self> {
        Arc::new(Self { tail, noted: Mutex::default() })
    }

    /// The keys that may exist by now.
    pub fn keys(&self) -> Vec<String> {
        self.noted.lock().iter().cloned().collect()
    }

    pub fn claims(&self) -> Vec<String> {
        self.keys().into_iter().filter(|key| key.starts_with("c:s:")).collect()
    }

    fn note(&self, conversation: ConversationId) {
        let key = |part| format!("c:{{{conversation}}}:{part}");
        self.noted.lock().extend(["head", "tail", "seqs", "nodes", "cursors"].map(key));
    }
}

#[async_trait]
impl LiveTail for Recording {
    async fn head(&self, conversation: ConversationId) -> Result<TailHead, PortError> {
        self.note(conversation);
        self.tail.head(conversation).await
    }
    async fn append(&self, conversation: ConversationId, seq: Seq, event: Bytes) -> Result<Appended, PortError> {
        self.note(conversation);
        self.tail.append(conversation, seq, event).await
    }
    async fn repair(
        &self,
        c: ConversationId,
        events: Vec<(Seq, Bytes)>,
        persisted: Seq,
    ) -> Result<Repaired, PortError> {
        self.note(c);
        self.tail.repair(c, events, persisted).await
    }
    async fn since(&self, c: ConversationId, epoch: &Epoch, rev: Rev, limit: usize) -> Result<Since, PortError> {
        self.tail.since(c, epoch, rev, limit).await
    }
    async fn newer_than(&self, conversation: ConversationId, after: Seq) -> Result<Vec<TailEvent>, PortError> {
        self.tail.newer_than(conversation, after).await
    }
    async fn mark_persisted(&self, conversation: ConversationId, seq: Seq) -> Result<(), PortError> {
        self.tail.mark_persisted(conversation, seq).await
    }
    async fn register(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        self.note(conversation);
        self.tail.register(conversation, node).await
    }
    async fn positions(&self, conversations: &[ConversationId], node: &NodeId) -> Result<Vec<TailHead>, PortError> {
        for conversation in conversations {
            self.note(*conversation);
        }
        self.tail.positions(conversations, node).await
    }
    async fn unregister(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        self.tail.unregister(conversation, node).await
    }
    async fn nodes(&self, conversation: ConversationId) -> Result<Vec<NodeId>, PortError> {
        self.tail.nodes(conversation).await
    }
    async fn publish(&self, node: &NodeId, frames: Vec<NodeFrame>) -> Result<(), PortError> {
        self.tail.publish(node, frames).await
    }
    async fn subscribe(&self, node: &NodeId) -> Result<Receiver<Vec<NodeFrame>>, PortError> {
        self.tail.subscribe(node).await
    }
    async fn claim(&self, c: ConversationId, user: UserId, id: ClientMsgId) -> Result<Claim, PortError> {
        self.note(c);
        let name = [*user.uuid().as_bytes(), *id.uuid().as_bytes()].concat();
        self.noted.lock().insert(format!("c:s:{}", Uuid::new_v5(&c.uuid(), &name).simple()));
        self.tail.claim(c, user, id).await
    }
    async fn settle(
        &self,
        conversation: ConversationId,
        user: UserId,
        id: ClientMsgId,
        seq: Seq,
        at: Timestamp,
    ) -> Result<(), PortError> {
        self.tail.settle(conversation, user, id, seq, at).await
    }
    async fn hold(&self, c: ConversationId, user: UserId, id: ClientMsgId, since: Timestamp) -> Result<(), PortError> {
        self.tail.hold(c, user, id, since).await
    }
    async fn release(&self, c: ConversationId, user: UserId, id: ClientMsgId) -> Result<(), PortError> {
        self.tail.release(c, user, id).await
    }
    async fn advance_cursor(
        &self,
        conversation: ConversationId,
        user: UserId,
        to: ReadCursor,
    ) -> Result<Option<ReadCursor>, PortError> {
        self.note(conversation);
        self.tail.advance_cursor(conversation, user, to).await
    }
    async fn cursor(&self, conversation: ConversationId, user: UserId) -> Result<ReadCursor, PortError> {
        self.tail.cursor(conversation, user).await
    }
    async fn check(&self) -> Result<(), PortError> {
        self.tail.check().await
    }
}
