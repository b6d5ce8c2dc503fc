use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Role, UserId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ConversationKind {
    /// Exactly two people; one per pair; nobody joins or leaves.
    Direct,
    Group,
}

impl ConversationKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Group => "group",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "direct" => Self::Direct,
            "group" => Self::Group,
            _ => return None,
        })
    }
}

/// Somebody's part in a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    pub user: UserId,
    pub role: Role,
}

/// Why a member may not leave, or be removed, or lose a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LeaveRefused {
    #[error("a direct conversation cannot be left")]
    Direct,
    #[error("the last owner hands over the ownership before leaving")]
    LastOwner,
}

/// May a member with `role` go, when `owners` of `members` own the group?
pub fn check_leave(kind: ConversationKind, role: Role, owners: usize, members: usize) -> Result<(), LeaveRefused> {
    match kind {
        ConversationKind::Direct => Err(LeaveRefused::Direct),
        ConversationKind::Group if role == Role::Owner && owners <= 1 && members > 1 => Err(LeaveRefused::LastOwner),
        ConversationKind::Group => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_never_loses_its_last_owner_while_others_remain() {
        use ConversationKind::{Direct, Group};
        assert_eq!(check_leave(Group, Role::Owner, 1, 2), Err(LeaveRefused::LastOwner));
        assert_eq!(check_leave(Group, Role::Owner, 1, 1), Ok(()));
        assert_eq!(check_leave(Group, Role::Owner, 2, 5), Ok(()));
        assert_eq!(check_leave(Group, Role::Member, 1, 2), Ok(()));
        assert_eq!(check_leave(Direct, Role::Member, 0, 2), Err(LeaveRefused::Direct));
    }
}
