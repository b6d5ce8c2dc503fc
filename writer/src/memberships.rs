//! Tells the nodes of people who joined or left by an event that the tail lacked.
//!
//! A node that appends such an event tells them itself. When it died before, or Redis was away, it did not, and a
//! connection takes its seat in a conversation by that hint alone.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use chat_core::{ConversationId, EventBody, NodeId, UserId};
use chat_ports::PortError;
use chat_wire::{LogRecord, NodeFrame};
use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::backoff::Backoff;
use crate::pipeline::{Backends, Pipeline};
use crate::tail_step::publish;

/// When Redis has lost everything, the nodes enter their people again within this.
const SETTLE: Duration = Duration::from_secs(2);
/// One more is lost: those people learn of it when they connect again.
const MOST_WAITING: usize = 20_000;
/// People who are looked up at a time.
const AT_ONCE: usize = 32;

/// Somebody joined or left a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub conversation: ConversationId,
    pub user: UserId,
    pub member: bool,
}

impl Change {
    /// What a record changes.
    pub fn of(record: &LogRecord) -> impl Iterator<Item = Self> + use<> {
        let conversation = record.conversation;
        let (users, member): (Vec<UserId>, bool) = match &record.body {
            EventBody::ConversationCreated { members, .. } => {
                (members.iter().map(|member| member.user).collect(), true)
            }
            EventBody::MemberJoined { user, .. } => (vec![*user], true),
            EventBody::MemberLeft { user } => (vec![*user], false),
            _ => (Vec::new(), false),
        };
        users.into_iter().map(move |user| Self { conversation, user, member })
    }
}

/// Changes that the nodes have yet to be told of.
#[derive(Default)]
pub struct Memberships {
    waiting: Mutex<VecDeque<(Instant, Change)>>,
    arrived: Notify,
}

impl Memberships {
    /// Returns how many there was no room for.
    pub fn add(&self, changes: impl Iterator<Item = Change>) -> u64 {
        let (due, mut lost) = (Instant::now() + SETTLE, 0);
        let mut waiting = self.waiting.lock();
        for change in changes {
            if waiting.len() < MOST_WAITING {
                waiting.push_back((due, change));
            } else {
                lost += 1;
            }
        }
        drop(waiting);
        self.arrived.notify_one();
        lost
    }

    /// Those that are due, at least one; of each person and conversation the last.
    async fn due(&self) -> Vec<Change> {
        loop {
            let first = self.waiting.lock().front().map(|(due, _)| *due);
            match first {
                None => self.arrived.notified().await,
                Some(due) => {
                    tokio::time::sleep_until(due).await;
                    let (now, mut waiting) = (Instant::now(), self.waiting.lock());
                    let count = waiting.iter().take_while(|(due, _)| *due <= now).count();
                    let last: HashMap<_, _> = waiting
                        .drain(..count)
                        .map(|(_, change)| ((change.conversation, change.user), change))
                        .collect();
                    return last.into_values().collect();
                }
            }
        }
    }
}

/// Tells what is added, until `stop` is cancelled.
pub async fn run(pipeline: Arc<Pipeline>, stop: CancellationToken) {
    let telling = async {
        loop {
            let mut left = pipeline.memberships.due().await;
            let mut backoff = Backoff::usual();
            loop {
                left = tell_of(&pipeline, left).await;
                if left.is_empty() {
                    break;
                }
                tokio::time::sleep(backoff.pause()).await;
            }
        }
    };
    tokio::select! {
        () = telling => {}
        () = stop.cancelled() => {}
    }
}

/// Returns those whose people could not be looked up.
async fn tell_of(pipeline: &Pipeline, changes: Vec<Change>) -> Vec<Change> {
    let deadline = pipeline.limits.tail_deadline;
    let mut looks = stream::iter(
        changes
            .into_iter()
            .map(|change| async move { (change, nodes(&pipeline.backends, change.user, deadline).await) }),
    )
    .buffer_unordered(AT_ONCE);
    let (mut hints, mut left) = (HashMap::<NodeId, Vec<NodeFrame>>::new(), Vec::new());
    while let Some((change, found)) = looks.next().await {
        match found {
            Ok(nodes) => hint(change, nodes, &mut hints),
            Err(error) => {
                tracing::debug!(user = %change.user, %error, "nodes are told of a membership later");
                left.push(change);
            }
        }
    }
    let lost = publish(pipeline.backends.tail.as_ref(), hints, deadline).await;
    pipeline.counters.hints_lost.inc_by(lost);
    left
}

/// The nodes that a user is connected to.
pub async fn nodes(backends: &Backends, user: UserId, deadline: Duration) -> Result<Vec<NodeId>, PortError> {
    match tokio::time::timeout(deadline, backends.directory.whereabouts(user)).await {
        Ok(found) => found.map(|(nodes, _)| nodes),
        Err(_) => Err(PortError::unavailable("directory", "no answer in time")),
    }
}

pub fn hint(change: Change, nodes: Vec<NodeId>, hints: &mut HashMap<NodeId, Vec<NodeFrame>>) {
    let Change { conversation, user, member } = change;
    for node in nodes {
        hints.entry(node).or_default().push(NodeFrame::Membership { user, conversation, member });
    }
}
