//! This node's lease in the directory, and what follows when a lease ends: its own, or another node's.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chat_core::UserId;
use chat_ports::{PortError, PresenceChange, Renewal};
use chat_wire::PresenceState;
use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use crate::Node;

/// Leases hold 15 s: fourteen renewals may fail. So often, because it also tells quickly that the directory lost everything.
const PERIOD: Duration = Duration::from_secs(1);
/// Connections entered at the same time.
const ENTERS_AT_ONCE: usize = 64;
/// Users asked for in one call.
const ASKED_AT_ONCE: usize = 200;

/// Renews until `stop` is cancelled. When the directory has forgotten this node, everything is entered again; when another
/// node's lease is gone, those who are watched here and were connected there are looked at again.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut seen = Seen::default();
    let mut failing = false;
    loop {
        let outcome = tick(&node, &mut seen).await;
        if let Err(error) = &outcome
            && !failing
        {
            tracing::warn!(%error, "the directory does not answer: presence and live delivery may be late");
        } else if outcome.is_ok() && failing {
            tracing::info!("the directory answers again");
        }
        failing = outcome.is_err();
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// What was seen at the last look.
#[derive(Default)]
struct Seen {
    leases: Option<HashSet<String>>,
    /// Whom watchers were told to be gone, to look at once more: somebody may have come back in the moment of the telling.
    told: Vec<UserId>,
}

async fn tick(node: &Arc<Node>, seen: &mut Seen) -> Result<(), PortError> {
    let renewal = node.backends.directory.renew(&node.id).await?;
    if renewal == Renewal::Forgotten {
        node.positions.compare_now();
    }
    if node.chat.owed.take_entries() || renewal == Renewal::Forgotten {
        enter_all(node).await;
    }
    node.chat.settle_departures().await;
    let leases: HashSet<String> = node.backends.directory.leases().await?.into_iter().collect();
    let ended = seen.leases.as_ref().is_some_and(|before| !before.is_subset(&leases));
    seen.leases = Some(leases);
    let again = std::mem::take(&mut seen.told);
    if ended {
        tracing::info!("a node's lease ended: those who were connected to it may be offline");
        seen.told = tell_gone(node, &node.delivery.watchers.targets(), false).await?;
    } else if !again.is_empty() {
        tell_gone(node, &again, true).await?;
    }
    Ok(())
}

async fn enter_all(node: &Arc<Node>) {
    let connections = node.delivery.connections.all();
    if connections.is_empty() {
        return;
    }
    tracing::info!(
        connections = connections.len(),
        "the directory forgot this node, or some of it: entering its connections again"
    );
    stream::iter(connections)
        .for_each_concurrent(ENTERS_AT_ONCE, |connection| {
            let chat = Arc::clone(&node.chat);
            async move { chat.enter_again(&connection).await }
        })
        .await;
    let watched = node.delivery.watchers.targets();
    if let Err(error) = node.backends.directory.watch(&node.id, &watched, &[]).await {
        tracing::debug!(%error, "presence changes may be missed");
    }
}

/// Tells watchers here who is not online, and with `all` who is. Nobody else does: the node that would have is gone.
async fn tell_gone(node: &Arc<Node>, watched: &[UserId], all: bool) -> Result<Vec<UserId>, PortError> {
    let mut told = Vec::new();
    for users in watched.chunks(ASKED_AT_ONCE) {
        let rows = node.backends.store.users(users).await?;
        for mut reading in node.backends.directory.presence(users).await? {
            if reading.state == PresenceState::Online && !all {
                continue;
            }
            told.push(reading.user);
            let row = rows.iter().find(|row| row.id == reading.user);
            reading.last_seen = reading.last_seen.or_else(|| row.and_then(|row| row.last_seen));
            let visible = row.is_some_and(|row| row.last_seen_visible);
            node.delivery.presence(PresenceChange { reading, watching: Vec::new() }, visible).await;
        }
    }
    Ok(told)
}
