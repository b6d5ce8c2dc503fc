//! Which nodes serve a conversation.

use chat_core::{ConversationId, NodeId};
use chat_ports::{PortError, TailHead};

use super::RedisTail;
use super::events::{NODES_TTL_S, TAIL_TTL_S, head, new_epoch, parts};
use crate::keys::{self, TailKeys};
use crate::leases::take;
use crate::request::Request;
use crate::scripts;

/// Conversations of one pipeline.
const CHUNK: usize = 500;

impl RedisTail {
    /// The nodes of registrations that are alive. The others are removed. When it is not known who is alive, all are: a
    /// hint to a dead node is lost, and no harm.
    pub(super) async fn alive_nodes(&self, conversation: ConversationId, members: Vec<String>) -> Vec<NodeId> {
        let (alive, dead) = match self.redis.partition_alive(members.clone(), String::as_str).await {
            Ok(parts) => parts,
            Err(error) => {
                tracing::debug!(%conversation, %error, "it is not known which nodes are alive");
                (members, Vec::new())
            }
        };
        if !dead.is_empty() {
            // A registration names the life of its node, so what is removed is nothing that was made anew meanwhile.
            let request = Request::command("SREM", &keys::nodes(conversation)).arg(&dead);
            if let Err(error) = self.redis.call(&request).await {
                tracing::debug!(%conversation, %error, "registrations of dead nodes stay for now");
            }
        }
        alive.iter().filter_map(|member| keys::node_of(member)).collect()
    }

    fn registration(&self, conversation: ConversationId, node: &NodeId) -> Request {
        let keys = TailKeys::of(conversation);
        let member = self.redis.inner.identities.member(node);
        let request = Request::script(&scripts::POSITION, &keys.all());
        request.arg(new_epoch()).arg(TAIL_TTL_S).arg(member).arg(NODES_TTL_S).with_life()
    }

    pub(super) async fn register_node(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        self.redis.ensure_lease(node).await?;
        self.redis.call(&self.registration(conversation, node)).await.map(|_| ())
    }

    pub(super) async fn register_all(
        &self,
        conversations: &[ConversationId],
        node: &NodeId,
    ) -> Result<Vec<TailHead>, PortError> {
        self.redis.ensure_lease(node).await?;
        let mut heads = Vec::with_capacity(conversations.len());
        for chunk in conversations.chunks(CHUNK) {
            let requests: Vec<_> = chunk.iter().map(|conversation| self.registration(*conversation, node)).collect();
            for answer in self.redis.call_all(&requests).await {
                heads.push(head(&mut parts(answer?)?)?);
            }
        }
        Ok(heads)
    }

    pub(super) async fn unregister_node(&self, conversation: ConversationId, node: &NodeId) -> Result<(), PortError> {
        let member = self.redis.inner.identities.member(node);
        self.redis.call(&Request::command("SREM", &keys::nodes(conversation)).arg(member)).await.map(|_| ())
    }

    pub(super) async fn registered(&self, conversation: ConversationId) -> Result<Vec<NodeId>, PortError> {
        let members = self.redis.call(&Request::command("SMEMBERS", &keys::nodes(conversation))).await?;
        Ok(self.alive_nodes(conversation, take(Some(members))?).await)
    }
}
