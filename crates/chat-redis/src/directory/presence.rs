//! What the entries of a user say about them.

use chat_ports::Lease;
use chat_wire::PresenceState;

use crate::identity::Identities;

/// A connection of a user: the field `connection/node/incarnation` and whether it is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    field: String,
    away: bool,
}

impl Entry {
    pub(super) fn of(lease: &Lease, identities: &Identities) -> Self {
        let field = format!("{}/{}", lease.connection.0.simple(), identities.member(&lease.node));
        Self { field, away: lease.away }
    }

    pub(super) fn field(&self) -> &str {
        &self.field
    }

    /// `node/incarnation`.
    pub(super) fn member(&self) -> &str {
        self.field.split_once('/').map_or("", |(_, member)| member)
    }
}

/// Reads the fields and values of the hash.
pub(super) fn entries(pairs: Vec<(String, String)>) -> Vec<Entry> {
    pairs.into_iter().map(|(field, away)| Entry { field, away: away == "1" }).collect()
}

pub(super) fn state(entries: &[Entry]) -> PresenceState {
    if entries.is_empty() {
        PresenceState::Offline
    } else if entries.iter().all(|entry| entry.away) {
        PresenceState::Away
    } else {
        PresenceState::Online
    }
}

/// What happens to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Enter,
    Update,
    Leave,
}

impl Change {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::Update => "update",
            Self::Leave => "leave",
        }
    }

    /// What the script did, to the entries as they were.
    pub(super) fn apply(self, mut entries: Vec<Entry>, own: Entry) -> Vec<Entry> {
        let known = entries.iter().position(|entry| entry.field == own.field);
        match (self, known) {
            (Self::Leave, Some(n)) => {
                entries.remove(n);
            }
            (Self::Enter | Self::Update, Some(n)) => entries[n] = own,
            (Self::Enter, None) => entries.push(own),
            (Self::Leave | Self::Update, None) => {}
        }
        entries
    }
}
