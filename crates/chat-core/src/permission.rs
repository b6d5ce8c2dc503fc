use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a member of a conversation may do. Later ones include all that earlier ones may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Member,
    Admin,
    Owner,
}

impl Role {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "member" => Self::Member,
            "admin" => Self::Admin,
            "owner" => Self::Owner,
            _ => return None,
        })
    }
}

/// Something a member wants to do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Send,
    DeleteOthersMessage,
    ChangeSettings,
    AddMember { role: Role },
    RemoveMember { role: Role },
    ChangeRole,
    DeleteConversation,
}

impl Role {
    /// The whole permission table for groups. In a direct conversation both sides may only [`Action::Send`].
    pub fn allows(self, action: Action) -> bool {
        match action {
            Action::Send => true,
            Action::DeleteOthersMessage | Action::ChangeSettings => self >= Self::Admin,
            // Nobody makes somebody more than they are.
            Action::AddMember { role } => self >= Self::Admin && role <= self,
            Action::RemoveMember { role } => self == Self::Owner || (self == Self::Admin && role == Self::Member),
            Action::ChangeRole | Action::DeleteConversation => self == Self::Owner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        use Role::{Admin, Member, Owner};
        let rows: [(Action, [bool; 3]); 10] = [
            (Action::Send, [true, true, true]),
            (Action::DeleteOthersMessage, [false, true, true]),
            (Action::ChangeSettings, [false, true, true]),
            (Action::AddMember { role: Member }, [false, true, true]),
            (Action::AddMember { role: Owner }, [false, false, true]),
            (Action::RemoveMember { role: Member }, [false, true, true]),
            (Action::RemoveMember { role: Admin }, [false, false, true]),
            (Action::RemoveMember { role: Owner }, [false, false, true]),
            (Action::ChangeRole, [false, false, true]),
            (Action::DeleteConversation, [false, false, true]),
        ];
        for (action, expected) in rows {
            assert_eq!([Member, Admin, Owner].map(|role| role.allows(action)), expected, "{action:?}");
        }
    }
}
