use std::sync::Arc;
use std::time::Duration;

use chat_core::{Action, ConversationId, ConversationKind, Role, Timestamp, UserId};
use chat_ports::store::{ConversationRow, MembershipRow};
use chat_wire::ErrorCode;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::attempts::Attempts;
use super::history::{Pages, pages};
use super::presence::Owed;
use crate::config::Limits;
use crate::live::{Delivery, Hub};
use crate::metrics::Counters;
use crate::{Backends, Failure};

/// Memberships remembered for when the store does not answer, and for how long.
const REMEMBERED: u64 = 20_000;
const REMEMBERED_FOR: Duration = Duration::from_mins(15);

/// The conversations' service.
pub struct Chat {
    pub backends: Backends,
    pub delivery: Arc<Delivery>,
    pub limits: Limits,
    pub counters: Arc<Counters>,
    /// Owns what must go on when the client that began it is gone.
    pub tasks: TaskTracker,
    /// Cancelled when the node ends: what others can make good is not waited for then.
    pub ending: CancellationToken,
    pub pages: Pages,
    pub owed: Owed,
    pub attempts: Attempts,
    /// Memberships as they were last read: they count while the store does not answer.
    memberships: moka::future::Cache<(ConversationId, UserId), MembershipRow>,
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
    pub fn new(
        backends: Backends,
        delivery: Arc<Delivery>,
        limits: Limits,
        counters: Arc<Counters>,
        tasks: TaskTracker,
        ending: CancellationToken,
    ) -> Self {
        let memberships = moka::future::Cache::builder().max_capacity(REMEMBERED).time_to_live(REMEMBERED_FOR).build();
        let (pages, owed, attempts) = (pages(), Owed::default(), Attempts::default());
        Self { backends, delivery, limits, counters, tasks, ending, pages, owed, attempts, memberships }
    }

    pub fn now(&self) -> Timestamp {
        self.backends.clock.now()
    }

    pub fn new_id() -> Uuid {
        Uuid::now_v7()
    }

    /// The user's membership, or "not found" for everybody else. While the store does not answer, who was a member a
    /// moment ago is one.
    pub async fn access(&self, user: UserId, conversation: ConversationId) -> Result<Access, Failure> {
        let key = (conversation, user);
        match self.backends.store.membership(conversation, user).await {
            Ok(Some(row)) => {
                self.memberships.insert(key, row.clone()).await;
                Ok(Access { user, row })
            }
            Ok(None) => {
                self.forget_membership(user, conversation).await;
                Err(Failure::not_found("conversation"))
            }
            Err(error) if error.retryable() => match self.memberships.get(&key).await {
                Some(row) => Ok(Access { user, row }),
                None => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    pub async fn forget_membership(&self, user: UserId, conversation: ConversationId) {
        self.memberships.invalidate(&(conversation, user)).await;
    }

    /// May the user talk here? In a direct conversation neither must have blocked the other. What was found lately
    /// counts, and while the store does not answer, what was found last.
    pub async fn require_open(&self, hub: &Hub, user: UserId) -> Result<(), Failure> {
        let now = self.now();
        if hub.known_open(now) {
            return Ok(());
        }
        match self.ask_open(hub, user).await {
            Ok(()) => {
                hub.found_open(now);
                Ok(())
            }
            Err(failure) if failure.code == ErrorCode::Unavailable && hub.was_open() => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    async fn ask_open(&self, hub: &Hub, user: UserId) -> Result<(), Failure> {
        if hub.kind.get().is_none()
            && let Some(row) = self.backends.store.conversation(hub.conversation).await?
        {
            let _ = hub.kind.set(row.kind);
        }
        match hub.kind.get() {
            Some(ConversationKind::Group) => Ok(()),
            _ => self.require_unblocked(user, hub.conversation).await,
        }
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
