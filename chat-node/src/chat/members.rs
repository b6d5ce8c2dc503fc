//! Who belongs to a group.

use std::collections::HashMap;
use std::sync::Arc;

use chat_core::{Action, EventBody, Member, Role, UserId, check_leave};
use chat_wire::rest::{AddMember, MemberProfile, Page};
use chat_wire::{ErrorCode, decode_cursor, encode_cursor};

use super::access::{Access, Chat};
use super::post::Draft;
use crate::Failure;

impl Chat {
    pub async fn members(
        &self,
        access: &Access,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<MemberProfile>, Failure> {
        let after: Option<UserId> = cursor
            .map(|text| decode_cursor(text).map_err(|bad| Failure::invalid("cursor", bad.to_string())))
            .transpose()?;
        let mut members = self.backends.store.members(access.conversation().id, after, limit + 1).await?;
        let more = members.len() > limit;
        members.truncate(limit);
        let next = members.last().filter(|_| more).map(|member| encode_cursor(&member.user));
        let ids: Vec<UserId> = members.iter().map(|member| member.user).collect();
        let mut profiles: HashMap<_, _> = self.profiles(&ids).await?.into_iter().map(|user| (user.id, user)).collect();
        let items = members.into_iter().filter_map(|member| {
            let profile = profiles.remove(&member.user)?;
            Some(MemberProfile { user: member.user, role: member.role, profile })
        });
        Ok(Page { items: items.collect(), next })
    }

    pub async fn add_member(self: &Arc<Self>, access: &Access, request: AddMember) -> Result<Member, Failure> {
        access.require_group()?;
        let role = request.role.unwrap_or(Role::Member);
        access.require(Action::AddMember { role })?;
        let (store, id) = (&self.backends.store, access.conversation().id);
        if store.user(request.user).await?.is_none() {
            return Err(Failure::not_found("user"));
        }
        if let Some(present) = store.membership(id, request.user).await? {
            return Ok(Member { user: request.user, role: present.role });
        }
        if store.blocked_between(access.user, request.user).await? {
            return Err(Failure::forbidden("this user cannot be added"));
        }
        if self.limits.group_members.exceeded_by(access.conversation().member_count + 1) {
            return Err(Failure::new(ErrorCode::TooLarge, "the group is full"));
        }
        self.record(access, EventBody::MemberJoined { user: request.user, role }).await?;
        self.membership_changed(request.user, id, true).await;
        Ok(Member { user: request.user, role })
    }

    pub async fn remove_member(self: &Arc<Self>, access: &Access, user: UserId) -> Result<(), Failure> {
        if user == access.user {
            return self.leave(access).await;
        }
        access.require_group()?;
        let member = self.member(access, user).await?;
        access.require(Action::RemoveMember { role: member.role })?;
        self.go(access, member).await
    }

    pub async fn leave(self: &Arc<Self>, access: &Access) -> Result<(), Failure> {
        self.go(access, Member { user: access.user, role: access.role() }).await
    }

    async fn go(self: &Arc<Self>, access: &Access, member: Member) -> Result<(), Failure> {
        let row = access.conversation();
        let owners = self.backends.store.owner_count(row.id).await?;
        let members = usize::try_from(row.member_count).unwrap_or(usize::MAX);
        check_leave(row.kind, member.role, owners, members)
            .map_err(|refused| Failure::new(ErrorCode::Conflict, refused.to_string()))?;
        self.record(access, EventBody::MemberLeft { user: member.user }).await?;
        self.membership_changed(member.user, row.id, false).await;
        Ok(())
    }

    pub async fn change_role(self: &Arc<Self>, access: &Access, user: UserId, role: Role) -> Result<Member, Failure> {
        access.require_group()?;
        access.require(Action::ChangeRole)?;
        let member = self.member(access, user).await?;
        if member.role == role {
            return Ok(member);
        }
        if member.role == Role::Owner && self.backends.store.owner_count(access.conversation().id).await? <= 1 {
            return Err(Failure::new(ErrorCode::Conflict, "a group keeps at least one owner: make another one first"));
        }
        self.record(access, EventBody::RoleChanged { user, role }).await?;
        Ok(Member { user, role })
    }

    async fn member(&self, access: &Access, user: UserId) -> Result<Member, Failure> {
        let row = self.backends.store.membership(access.conversation().id, user).await?;
        row.map(|row| Member { user, role: row.role }).ok_or_else(|| Failure::not_found("member"))
    }

    async fn record(self: &Arc<Self>, access: &Access, body: EventBody) -> Result<(), Failure> {
        let (conversation, actor) = (access.conversation().id, access.user);
        self.post(Draft { conversation, actor, client_msg_id: None, body }).await.map(|_| ())
    }
}
