use std::collections::{HashMap, HashSet};

use chat_core::{ConversationId, MessageKind, Seq, Timestamp, UserId};
use chat_ports::PortError;
use chat_ports::store::Mutation;

use crate::claims::Claim;
use crate::conversations::Setting;
use crate::members::MemberChange;
use crate::timeline::Change;
use crate::value::json;

/// What a call changes in one conversation.
pub struct Group {
    pub conversation: ConversationId,
    pub claims: Vec<Claim>,
    pub settings: Vec<Setting>,
    pub members: Vec<MemberChange>,
    pub changes: Vec<Change>,
    pub mentions: Vec<(UserId, Seq)>,
    /// The highest position of a message, also of a superseded one, or of the creation.
    pub head: Option<(Seq, Timestamp)>,
}

pub fn by_conversation(mutations: Vec<Mutation>) -> Result<Vec<Group>, PortError> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places: HashMap<ConversationId, usize> = HashMap::new();
    for mutation in mutations {
        let conversation = conversation(&mutation);
        let place = *places.entry(conversation).or_insert_with(|| {
            groups.push(Group::new(conversation));
            groups.len() - 1
        });
        groups[place].add(mutation)?;
    }
    Ok(groups)
}

fn conversation(mutation: &Mutation) -> ConversationId {
    match mutation {
        Mutation::InsertMessage { conversation, .. }
        | Mutation::EditMessage { conversation, .. }
        | Mutation::DeleteMessage { conversation, .. }
        | Mutation::SetReaction { conversation, .. }
        | Mutation::CreateConversation { conversation, .. }
        | Mutation::ChangeConversation { conversation, .. }
        | Mutation::PutMember { conversation, .. }
        | Mutation::SetRole { conversation, .. }
        | Mutation::RemoveMember { conversation, .. }
        | Mutation::DeleteConversation { conversation, .. }
        | Mutation::Claim { conversation, .. } => *conversation,
    }
}

impl Group {
    fn new(conversation: ConversationId) -> Self {
        Self {
            conversation,
            claims: Vec::new(),
            settings: Vec::new(),
            members: Vec::new(),
            changes: Vec::new(),
            mentions: Vec::new(),
            head: None,
        }
    }

    fn add(&mut self, mutation: Mutation) -> Result<(), PortError> {
        match mutation {
            Mutation::InsertMessage { seq, id, author, client_msg_id, kind, body, at, .. } => {
                self.reach(seq, at);
                if let Some(id) = client_msg_id {
                    self.claims.push(Claim { author, id, seq, at, message: true });
                }
                if kind == MessageKind::Message {
                    self.mentions.extend(body.mentions.iter().map(|user| (*user, seq)));
                }
                let body = json(&body)?;
                self.changes.push(Change::Insert { seq, id, author, client_msg_id, kind, body, at });
            }
            Mutation::EditMessage { target, body, at, version, .. } => {
                self.change(target, version, Change::Edit { target, body: json(&body)?, at, version });
            }
            Mutation::DeleteMessage { target, version, .. } => {
                self.change(target, version, Change::Delete { target, version });
            }
            Mutation::SetReaction { target, emoji, user, present, version, .. } => {
                self.change(target, version, Change::React { target, emoji, user, present, version });
            }
            Mutation::CreateConversation { kind, title, created_by, at, version, .. } => {
                self.reach(version, at);
                self.settings.push(Setting::Create { kind, created_by, at, version });
                self.settings.push(Setting::Title { title: title.unwrap_or_default(), version });
            }
            Mutation::ChangeConversation { title, avatar, version, .. } => {
                self.settings.extend(title.map(|title| Setting::Title { title, version }));
                self.settings.extend(avatar.map(|avatar| Setting::Avatar { avatar, version }));
            }
            Mutation::PutMember { member, version, .. } => {
                self.members.push(MemberChange::Put { user: member.user, role: member.role, version });
            }
            Mutation::SetRole { user, role, version, .. } => {
                self.members.push(MemberChange::Role { user, role, version });
            }
            Mutation::RemoveMember { user, version, .. } => self.members.push(MemberChange::Remove { user, version }),
            Mutation::DeleteConversation { version, .. } => self.settings.push(Setting::Delete { version }),
            Mutation::Claim { author, client_msg_id: id, seq, at, .. } => {
                self.claims.push(Claim { author, id, seq, at, message: false });
            }
        }
        Ok(())
    }

    /// Nothing can be done to what is still to be said; and a row far up would keep every later bucket from opening.
    fn change(&mut self, target: Seq, version: Seq, change: Change) {
        if target <= version {
            self.changes.push(change);
        }
    }

    fn reach(&mut self, seq: Seq, at: Timestamp) {
        if self.head.is_none_or(|(highest, _)| seq > highest) {
            self.head = Some((seq, at));
        }
    }

    /// Hides messages instead of writing them, and those that were written before.
    pub fn supersede(&mut self, superseded: &HashSet<Seq>) {
        if superseded.is_empty() {
            return;
        }
        self.changes.retain(|change| !matches!(change, Change::Insert { seq, .. } if superseded.contains(seq)));
        self.mentions.retain(|(_, seq)| !superseded.contains(seq));
        self.changes.extend(superseded.iter().map(|seq| Change::Hide { seq: *seq }));
    }
}
