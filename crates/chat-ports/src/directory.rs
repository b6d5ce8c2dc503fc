use std::str::FromStr;

use async_trait::async_trait;
use chat_core::{NodeId, Timestamp, UserId};
use chat_wire::PresenceState;
use uuid::Uuid;

use crate::PortError;

/// One live connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub Uuid);

/// A connection's entry in the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub user: UserId,
    pub node: NodeId,
    pub connection: ConnectionId,
    pub away: bool,
}

/// What others may see of somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PresenceReading {
    pub user: UserId,
    pub state: PresenceState,
    /// When the last connection ended. `None` while online, and when never seen.
    pub last_seen: Option<Timestamp>,
}

/// What the directory knew of a node that renewed its lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// Its entries are there.
    Kept,
    /// It was unknown (new, lapsed, or the directory lost everything): its entries have to be made again.
    Forgotten,
}

/// The state of a user changed by an entry that came or went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChange {
    pub reading: PresenceReading,
    /// The nodes where somebody watches this user.
    pub watching: Vec<NodeId>,
}

/// At most `count` in `per_ms` milliseconds, as GCRA: a burst of `count`, then one each `per_ms / count`.
///
/// ITU-T I.371, generic cell rate algorithm (virtual scheduling form).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    pub count: u32,
    pub per_ms: u64,
}

/// The text is not a quota such as `30/10s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a quota such as 30/10s (a count of at least 1, and 1 to 86400 seconds)")]
pub struct QuotaParseError;

impl FromStr for Quota {
    type Err = QuotaParseError;
    fn from_str(text: &str) -> Result<Self, QuotaParseError> {
        let (count, per) = text.split_once('/').ok_or(QuotaParseError)?;
        let count: u32 = count.parse().map_err(|_| QuotaParseError)?;
        let seconds: u64 = per.strip_suffix('s').and_then(|s| s.parse().ok()).ok_or(QuotaParseError)?;
        if count == 0 || !(1..=86_400).contains(&seconds) {
            return Err(QuotaParseError);
        }
        Ok(Self { count, per_ms: seconds * 1000 })
    }
}

impl std::fmt::Display for Quota {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}s", self.count, self.per_ms / 1000)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateDecision {
    Allowed,
    /// Not before this many milliseconds.
    Wait {
        retry_after_ms: u64,
    },
}

/// Who is connected where.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Enters a connection. Entries lapse with their node's lease (15 s in a cluster).
    async fn enter(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError>;

    /// Changes `away` of an entry.
    async fn update(&self, lease: Lease) -> Result<Option<PresenceChange>, PortError>;

    /// Takes a connection out; the last one of a user sets `last_seen` to `at`.
    async fn leave(&self, lease: Lease, at: Timestamp) -> Result<Option<PresenceChange>, PortError>;

    /// Keeps the node and all its entries alive, for 15 s. The first call of a process is answered with `Forgotten`, and
    /// whatever an earlier process of the same name left is void then.
    async fn renew(&self, node: &NodeId) -> Result<Renewal, PortError>;

    /// Ends the node's lease and with it all its entries: the last thing a node does.
    async fn retire(&self, node: &NodeId) -> Result<(), PortError>;

    /// The leases alive now, each with a name that a restart of its node changes: when one goes, whoever was connected
    /// there may be offline.
    async fn leases(&self) -> Result<Vec<String>, PortError>;

    /// The nodes a user is connected to, and how many connections there are in all.
    async fn whereabouts(&self, user: UserId) -> Result<(Vec<NodeId>, usize), PortError>;

    async fn presence(&self, users: &[UserId]) -> Result<Vec<PresenceReading>, PortError>;

    /// `node` wants to hear of these users' changes; replaces what it wanted before.
    async fn watch(&self, node: &NodeId, add: &[UserId], remove: &[UserId]) -> Result<(), PortError>;

    /// Takes one from the quota of `key`.
    async fn take(&self, key: &str, quota: Quota, now: Timestamp) -> Result<RateDecision, PortError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotas() {
        assert_eq!("30/10s".parse(), Ok(Quota { count: 30, per_ms: 10_000 }));
        for bad in ["", "30", "0/1s", "1/0s", "1/1m", "-1/1s", "1/99999999s"] {
            assert_eq!(bad.parse::<Quota>(), Err(QuotaParseError), "{bad}");
        }
        assert_eq!("500/1s".parse::<Quota>().expect("valid").to_string(), "500/1s");
    }
}
