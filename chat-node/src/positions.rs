//! The comparison of positions: finds the lost *last* hint of a conversation, a tail that began anew, and a tail that
//! forgot that this node serves a conversation.

use std::sync::Arc;
use std::time::Duration;

use chat_core::{ConversationId, ConversationKind};
use chat_ports::PortError;
use rand::RngExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::live::Hub;

/// How often every live conversation is compared.
const PERIOD: Duration = Duration::from_secs(10);
/// After a comparison that failed.
const RETRY: Duration = Duration::from_millis(250);
/// Conversations of one call.
const CHUNK: usize = 500;
/// Kinds asked of the store in one round.
const KINDS: usize = 100;

/// Asks for a comparison.
#[derive(Debug, Default)]
pub struct Positions {
    wanted: Notify,
}

impl Positions {
    /// Continuity was lost: compare everything at once.
    pub fn compare_now(&self) {
        self.wanted.notify_one();
    }
}

enum Wake {
    Time,
    Wanted,
    Stop,
}

async fn wait(node: &Node, stop: &CancellationToken, time: Duration) -> Wake {
    tokio::select! {
        () = tokio::time::sleep(time) => Wake::Time,
        () = node.positions.wanted.notified() => Wake::Wanted,
        () = stop.cancelled() => Wake::Stop,
    }
}

/// Compares until `stop` is cancelled: each conversation every ten seconds, spread over that time, and all of them at once
/// when continuity was lost.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut urgent = false;
    'rounds: loop {
        node.delivery.hubs.sweep().await;
        // Not the hubs themselves: one that somebody holds is not removed when the last one leaves it.
        let ids: Vec<ConversationId> = node.delivery.hubs.all().iter().map(|hub| hub.conversation).collect();
        let mut chunks: Vec<&[ConversationId]> = ids.chunks(CHUNK).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let pause = PERIOD / u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let at_once = std::mem::take(&mut urgent);
        for chunk in chunks {
            if !at_once {
                let time = pause.mul_f64(rand::rng().random_range(0.8..1.2));
                match wait(&node, &stop, time).await {
                    Wake::Time => {}
                    Wake::Wanted => {
                        urgent = true;
                        continue 'rounds;
                    }
                    Wake::Stop => return,
                }
            }
            let hubs: Vec<_> = chunk.iter().filter_map(|id| node.delivery.hubs.get(*id)).collect();
            if let Err(error) = compare(&node, &hubs).await {
                tracing::debug!(%error, "positions could not be compared");
                urgent = true;
                if let Wake::Stop = wait(&node, &stop, RETRY).await {
                    return;
                }
                continue 'rounds;
            }
        }
        learn_kinds(&node).await;
    }
}

async fn compare(node: &Arc<Node>, hubs: &[Arc<Hub>]) -> Result<(), PortError> {
    if hubs.is_empty() {
        return Ok(());
    }
    let (tail, delivery) = (&node.backends.tail, &node.delivery);
    let before: Vec<_> = hubs.iter().map(|hub| hub.position()).collect();
    let ids: Vec<ConversationId> = hubs.iter().map(|hub| hub.conversation).collect();
    let heads = tail.positions(&ids, &node.id).await?;
    for ((hub, before), head) in hubs.iter().zip(before).zip(heads) {
        if hub.is_registered() {
            delivery.compare(Arc::clone(hub), before.as_ref(), &head);
        } else {
            hub.begin_late(&head);
            delivery.rechecks.ask(hub.conversation, hub.users());
        }
        if delivery.hubs.get(hub.conversation).is_none() {
            // The last one left meanwhile, and this call may have come after theirs.
            tail.unregister(hub.conversation, &node.id).await?;
        }
    }
    Ok(())
}

/// Groups are always open to their members: known beforehand, nobody has to ask while the store does not answer.
async fn learn_kinds(node: &Arc<Node>) {
    for hub in node.delivery.hubs.all().into_iter().filter(|hub| hub.kind.get().is_none()).take(KINDS) {
        match node.backends.store.conversation(hub.conversation).await {
            Ok(row) => {
                let _ = hub.kind.set(row.map_or(ConversationKind::Group, |row| row.kind));
            }
            Err(_) => return,
        }
    }
}
