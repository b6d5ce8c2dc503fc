//! Creating, changing and ending conversations.

use std::sync::Arc;

use chat_core::{Action, ConversationId, ConversationKind, EventBody, FileId, Member, Role, Title, UserId};
use chat_ports::store::FileState;
use chat_wire::rest::{Conversation, CreateConversation, PatchConversation, PatchPreferences, Preferences};
use chat_wire::{ConversationAction, ErrorCode, NodeFrame, ServerFrame};

use super::access::{Access, Chat};
use super::post::Draft;
use crate::Failure;

impl Chat {
    /// The conversation, and whether it is new.
    pub async fn create(
        self: &Arc<Self>,
        user: UserId,
        request: CreateConversation,
    ) -> Result<(Conversation, bool), Failure> {
        let (id, fresh) = match request {
            CreateConversation::Direct { user: other } => self.create_direct(user, other).await?,
            CreateConversation::Group { title, members } => (self.create_group(user, title, members).await?, true),
        };
        let access = self.access(user, id).await?;
        Ok((self.conversation(&access, true).await?, fresh))
    }

    async fn create_direct(self: &Arc<Self>, user: UserId, other: UserId) -> Result<(ConversationId, bool), Failure> {
        if user == other {
            return Err(Failure::invalid("user", "is yourself"));
        }
        let store = &self.backends.store;
        if store.user(other).await?.is_none() {
            return Err(Failure::not_found("user"));
        }
        if store.blocked_between(user, other).await? {
            return Err(Failure::forbidden("one of the two has blocked the other"));
        }
        let id = store.reserve_direct(user, other, ConversationId::new(Self::new_id())).await?;
        // A crash after the reservation leaves a pair without a conversation: whoever comes next makes it.
        if store.membership(id, user).await?.is_some() {
            return Ok((id, false));
        }
        let members = [user, other].map(|user| Member { user, role: Role::Member });
        self.record_creation(user, id, ConversationKind::Direct, None, members.to_vec()).await?;
        Ok((id, true))
    }

    async fn create_group(
        self: &Arc<Self>,
        user: UserId,
        title: Title,
        mut others: Vec<UserId>,
    ) -> Result<ConversationId, Failure> {
        others.sort_unstable();
        others.dedup();
        others.retain(|other| *other != user);
        if self.limits.group_members.exceeded_by(others.len() as u64 + 1) {
            return Err(Failure::new(ErrorCode::TooLarge, "the group has more members than are allowed"));
        }
        let mut known = 0;
        for chunk in others.chunks(200) {
            known += self.backends.store.users(chunk).await?.len();
        }
        if known != others.len() {
            return Err(Failure::invalid("members", "has ids of nobody"));
        }
        for other in &others {
            if others.len() <= 50 && self.backends.store.blocked_between(user, *other).await? {
                return Err(Failure::forbidden("one of the members cannot be added"));
            }
        }
        let id = ConversationId::new(Self::new_id());
        let owner = Member { user, role: Role::Owner };
        let members = std::iter::once(owner).chain(others.into_iter().map(|user| Member { user, role: Role::Member }));
        self.record_creation(user, id, ConversationKind::Group, Some(String::from(title)), members.collect()).await?;
        Ok(id)
    }

    async fn record_creation(
        self: &Arc<Self>,
        user: UserId,
        id: ConversationId,
        kind: ConversationKind,
        title: Option<String>,
        members: Vec<Member>,
    ) -> Result<(), Failure> {
        let users: Vec<UserId> = members.iter().map(|member| member.user).collect();
        let body = EventBody::ConversationCreated { conversation_kind: kind, title, members };
        self.post(Draft { conversation: id, actor: user, client_msg_id: None, body }).await?;
        for user in users {
            self.membership_changed(user, id, true).await;
        }
        Ok(())
    }

    /// Tells every node of the user, so that connections begin or cease to get the conversation's events.
    pub(super) async fn membership_changed(&self, user: UserId, conversation: ConversationId, member: bool) {
        self.apply_membership(user, conversation, member).await;
        let nodes = match self.backends.directory.whereabouts(user).await {
            Ok((nodes, _)) => nodes,
            Err(error) => {
                tracing::warn!(%user, %error, "other nodes learn of a membership only when the user reconnects");
                return;
            }
        };
        for node in nodes.iter().filter(|node| **node != self.delivery.node) {
            self.delivery.to_node(node, NodeFrame::Membership { user, conversation, member }).await;
        }
    }

    /// The same on this node: seats or unseats the user's connections and tells them.
    pub async fn apply_membership(&self, user: UserId, conversation: ConversationId, member: bool) {
        let hubs = &self.delivery.hubs;
        if !member {
            self.forget_membership(user, conversation).await;
        }
        let connections = self.delivery.connections.of(user);
        if connections.is_empty() {
            return;
        }
        let summary = match self.access(user, conversation).await {
            Ok(access) if member => self.conversation(&access, true).await.ok().map(Box::new),
            _ => None,
        };
        for connection in connections {
            if member && connection.hub(conversation).is_ok() {
                // It has its seat: what the node that appended an event tells, a writer may tell again.
                continue;
            }
            if member {
                let hub = hubs.open(conversation).await;
                hub.attach(&connection, false);
                connection.attach(Arc::clone(&hub));
                if !self.delivery.connections.contains(&connection) {
                    // It ended meanwhile, and took its other seats with it.
                    connection.detach(conversation);
                    hubs.leave(hub, &connection).await;
                    continue;
                }
            } else if let Some(hub) = connection.detach(conversation) {
                hubs.leave(hub, &connection).await;
            }
            let action = if member { ConversationAction::Added } else { ConversationAction::Removed };
            connection.send(&ServerFrame::Conversation { action, id: conversation, conversation: summary.clone() });
        }
        if member {
            // The hint may be late, and who joined may have left by now.
            self.delivery.rechecks.ask(conversation, [user]);
        }
    }

    pub async fn patch(self: &Arc<Self>, access: &Access, patch: PatchConversation) -> Result<Conversation, Failure> {
        access.require(Action::ChangeSettings)?;
        let avatar = match patch.avatar {
            Some(Some(file)) => Some(self.avatar_file(access.user, file).await?),
            Some(None) => return Err(Failure::invalid("avatar", "of a group can be replaced, not removed")),
            None => None,
        };
        let title = patch.title.map(String::from);
        if title.is_some() || avatar.is_some() {
            let body = EventBody::ConversationUpdated { title, avatar };
            let (conversation, actor) = (access.conversation().id, access.user);
            self.post(Draft { conversation, actor, client_msg_id: None, body }).await?;
        }
        let access = self.access(access.user, access.conversation().id).await?;
        self.conversation(&access, true).await
    }

    /// A completed image of the user that belongs to no conversation.
    pub async fn avatar_file(&self, user: UserId, file: FileId) -> Result<FileId, Failure> {
        let row = self.backends.store.file(file).await?;
        let usable = row.is_some_and(|row| {
            row.owner == user
                && row.conversation.is_none()
                && row.state == FileState::Complete
                && row.media_type.starts_with("image/")
        });
        if usable { Ok(file) } else { Err(Failure::invalid("avatar", "is not a completed image of yours")) }
    }

    pub async fn delete(self: &Arc<Self>, access: &Access) -> Result<(), Failure> {
        access.require(Action::DeleteConversation)?;
        let id = access.conversation().id;
        let members = self.all_members(id).await?;
        let body = EventBody::ConversationDeleted {};
        self.post(Draft { conversation: id, actor: access.user, client_msg_id: None, body }).await?;
        for member in members {
            self.membership_changed(member.user, id, false).await;
        }
        Ok(())
    }

    async fn all_members(&self, id: ConversationId) -> Result<Vec<Member>, Failure> {
        let mut all: Vec<Member> = Vec::new();
        loop {
            let page = self.backends.store.members(id, all.last().map(|member| member.user), 1_000).await?;
            let last = page.len() < 1_000;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    pub async fn set_preferences(&self, access: &Access, patch: PatchPreferences) -> Result<Preferences, Failure> {
        let id = access.conversation().id;
        self.backends.store.set_preferences(id, access.user, patch.muted, patch.pinned).await?;
        let access = self.access(access.user, id).await?;
        let conversation = Some(Box::new(self.conversation(&access, false).await?));
        let frame = ServerFrame::Conversation { action: ConversationAction::Updated, id, conversation };
        let (nodes, _) = self.backends.directory.whereabouts(access.user).await?;
        self.delivery.to_user(access.user, &nodes, &frame).await;
        Ok(Preferences { muted: access.row.muted, pinned: access.row.pinned })
    }
}
