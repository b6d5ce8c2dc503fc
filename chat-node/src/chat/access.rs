use std::sync::Arc;

use chat_core::{Action, ConversationId, ConversationKind, Role, Timestamp, UserId};
use chat_ports::store::{ConversationRow, MembershipRow};
use chat_wire::ErrorCode;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::config::Limits;
use crate::live::Delivery;
use crate::metrics::Counters;
use crate::{Backends, Failure};

/// The conversations' service.
pub struct Chat {
    pub backends: Backends,
    pub delivery: Arc<Delivery>,
    pub limits: Limits,
    pub counters: Arc<Counters>,
    /// Owns what must go on when the client that began it is gone.
    pub tasks: TaskTracker,
}

/// A member's view of a conversation: the proof that the membership was checked.
#[derive(Debug, Clone)]
pub struct Access {
    pub user: UserId,
    pub row: MembershipRow,
}

impl Access {
    pub fn conversation(&self) -> &ConversationRow {
        &self.row.conversation
    }

    pub fn role(&self) -> Role {
        self.row.role
    }

    /// Refuses what the role does not allow; in a direct conversation everything but talking.
    pub fn require(&self, action: Action) -> Result<(), Failure> {
        let direct = self.row.conversation.kind == ConversationKind::Direct && action != Action::Send;
        if direct || !self.row.role.allows(action) {
            return Err(Failure::forbidden(match self.row.conversation.kind {
                ConversationKind::Direct => "a direct conversation has no settings, roles or guests",
                ConversationKind::Group => "your role in this conversation does not allow that",
            }));
        }
        Ok(())
    }

    pub fn require_group(&self) -> Result<(), Failure> {
        match self.row.conversation.kind {
            ConversationKind::Group => Ok(()),
            ConversationKind::Direct => {
                Err(Failure::new(ErrorCode::Conflict, "a direct conversation always has the same two members"))
            }
        }
    }
}

impl Chat {
    pub fn now(&self) -> Timestamp {
        self.backends.clock.now()
    }

    pub fn new_id() -> Uuid {
        Uuid::now_v7()
    }

    /// The user's membership, or "not found" for everybody else.
    pub async fn access(&self, user: UserId, conversation: ConversationId) -> Result<Access, Failure> {
        let row = self.backends.store.membership(conversation, user).await?;
        row.map(|row| Access { user, row }).ok_or_else(|| Failure::not_found("conversation"))
    }

    /// May the two of a direct conversation talk?
    pub async fn require_unblocked(&self, user: UserId, conversation: ConversationId) -> Result<(), Failure> {
        let members = self.backends.store.members(conversation, None, 2).await?;
        for other in members.iter().filter(|member| member.user != user) {
            if self.backends.store.blocked_between(user, other.user).await? {
                return Err(Failure::forbidden("one of the two has blocked the other"));
            }
        }
        Ok(())
    }
}
