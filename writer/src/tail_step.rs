//! Into the tail: what it lacks, and to the nodes that serve the conversation.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use chat_core::{ConversationId, NodeId, Seq};
use chat_ports::{LiveTail, PortError, Repaired};
use chat_wire::NodeFrame;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::memberships::Change;
use crate::pipeline::Pipeline;

/// The events of one conversation, ascending, and how far the store has it.
#[derive(Debug, Clone)]
pub struct Group {
    pub conversation: ConversationId,
    pub events: Vec<(Seq, Bytes)>,
    /// Who joined or left by which of them.
    pub changes: Vec<(Seq, Change)>,
    pub persisted: Seq,
}

impl Pipeline {
    /// Repairs the tails of these conversations side by side. Returns those that are still owed.
    pub async fn repair(&self, groups: Vec<Group>) -> Vec<Group> {
        let mut hints: HashMap<NodeId, Vec<NodeFrame>> = HashMap::new();
        let mut owed = Vec::new();
        let mut failure = None;
        let mut calls: FuturesUnordered<_> = groups.into_iter().map(|group| self.repair_one(group)).collect();
        while let Some((group, result)) = calls.next().await {
            match result {
                Ok(repaired) => {
                    self.counters.repaired.inc_by(repaired.appended.len() as u64);
                    // Who appends an event tells of the memberships that it changes, too.
                    let lacking = |seq| repaired.appended.iter().any(|event| event.seq == seq);
                    let changes = group.changes.iter().filter(|(seq, _)| lacking(*seq)).map(|(_, change)| *change);
                    self.counters.hints_lost.inc_by(self.memberships.add(changes));
                    announce(group.conversation, repaired, &mut hints);
                }
                Err(error) if error.retryable() => {
                    failure = Some(error);
                    owed.push(group);
                }
                // It will be refused again. The store has it, and a client that refetches sees it.
                Err(error) => {
                    tracing::error!(conversation = %group.conversation, %error, "a tail can't be repaired");
                }
            }
        }
        match &failure {
            Some(error) => {
                self.counters.tail_retries.inc();
                self.tail_health.fails(error);
            }
            None => self.tail_health.works(),
        }
        let lost = publish(self.backends.tail.as_ref(), hints, self.limits.tail_deadline).await;
        self.counters.hints_lost.inc_by(lost);
        owed
    }

    async fn repair_one(&self, group: Group) -> (Group, Result<Repaired, PortError>) {
        let _permit = self.call_permits.acquire().await;
        let Group { conversation, events, persisted, .. } = group.clone();
        let repair = self.backends.tail.repair(conversation, events, persisted);
        let result = match tokio::time::timeout(self.limits.tail_deadline, repair).await {
            Ok(result) => result,
            Err(_) => Err(PortError::unavailable("tail", "no answer in time")),
        };
        (group, result)
    }
}

/// What was appended, as hints for the nodes that serve the conversation.
pub fn announce(conversation: ConversationId, repaired: Repaired, hints: &mut HashMap<NodeId, Vec<NodeFrame>>) {
    let Repaired { epoch, nodes, appended } = repaired;
    if appended.is_empty() {
        return;
    }
    for node in nodes {
        let frames = appended.iter().map(|event| NodeFrame::Event {
            conversation,
            epoch: epoch.clone(),
            rev: event.rev,
            seq: event.seq,
            event: event.event.clone(),
        });
        hints.entry(node).or_default().extend(frames);
    }
}

/// One publish for each node. Returns how many hints were lost: the nodes find what is missing when they compare positions.
pub async fn publish(tail: &dyn LiveTail, hints: HashMap<NodeId, Vec<NodeFrame>>, deadline: Duration) -> u64 {
    let calls: FuturesUnordered<_> = hints
        .into_iter()
        .map(|(node, frames)| async move {
            let count = frames.len() as u64;
            match tokio::time::timeout(deadline, tail.publish(&node, frames)).await {
                Ok(Ok(())) => 0,
                Ok(Err(error)) => {
                    tracing::debug!(%node, %error, "could not publish to a node");
                    count
                }
                Err(_) => count,
            }
        })
        .collect();
    calls.fold(0, |lost, count| async move { lost + count }).await
}
