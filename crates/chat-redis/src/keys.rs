//! The keys, by subject. Those of one conversation or one user share a hash tag, and so a slot.

use chat_core::{ClientMsgId, ConversationId, NodeId, UserId};
use uuid::Uuid;

/// The keys of a conversation's tail.
pub(crate) struct TailKeys {
    pub(crate) head: String,
    pub(crate) tail: String,
    pub(crate) seqs: String,
    pub(crate) nodes: String,
}

impl TailKeys {
    pub(crate) fn of(conversation: ConversationId) -> Self {
        Self {
            head: format!("c:{{{conversation}}}:head"),
            tail: format!("c:{{{conversation}}}:tail"),
            seqs: format!("c:{{{conversation}}}:seqs"),
            nodes: nodes(conversation),
        }
    }
    pub(crate) fn all(&self) -> [&str; 4] {
        [&self.head, &self.tail, &self.seqs, &self.nodes]
    }
    pub(crate) fn events(&self) -> [&str; 3] {
        [&self.head, &self.tail, &self.seqs]
    }
}

pub(crate) fn nodes(conversation: ConversationId) -> String {
    format!("c:{{{conversation}}}:nodes")
}

pub(crate) fn cursors(conversation: ConversationId) -> String {
    format!("c:{{{conversation}}}:cursors")
}

/// A claim's. There is one for each message of the last hour, so it is as short as may be: all three ids as one, by SHA-1
/// (RFC 9562, version 5). It is alone in its calls and needs no slot in common with its conversation.
pub(crate) fn sent(conversation: ConversationId, user: UserId, id: ClientMsgId) -> String {
    let name = [*user.uuid().as_bytes(), *id.uuid().as_bytes()].concat();
    format!("c:s:{}", Uuid::new_v5(&conversation.uuid(), &name).simple())
}

pub(crate) fn sessions(user: UserId) -> String {
    format!("u:{{{user}}}:sessions")
}

pub(crate) fn watching(user: UserId) -> String {
    format!("u:{{{user}}}:watching")
}

/// A node's channel.
pub(crate) fn channel(node: &NodeId) -> String {
    format!("node:{node}")
}

pub(crate) fn rate(key: &str) -> String {
    format!("rl:{key}")
}

/// The node of a registration `node/incarnation`.
pub(crate) fn node_of(member: &str) -> Option<NodeId> {
    member.split_once('/').and_then(|(node, _)| node.parse().ok())
}
