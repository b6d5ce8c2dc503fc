//! What other nodes tell this one.
//!
//! Hints come in order and at most once as long as a subscription holds. When it breaks nothing is known of what was
//! said meanwhile: after subscribing again all positions are compared.

use std::sync::Arc;
use std::time::Duration;

use chat_ports::Appended;
use chat_wire::NodeFrame;
use rand::RngExt as _;
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::live::text_frame;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MOST_PAUSE: Duration = Duration::from_secs(1);

/// Handles hints until `stop` is cancelled. When the subscription breaks, continuity is lost: it subscribes again.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    loop {
        match node.backends.tail.subscribe(&node.id).await {
            Ok(mut frames) => {
                pause = FIRST_PAUSE;
                node.positions.compare_now();
                node.logins.check_now();
                loop {
                    let batch = tokio::select! {
                        batch = frames.recv() => batch,
                        () = stop.cancelled() => return,
                    };
                    let Some(batch) = batch else { break };
                    for frame in batch {
                        handle(&node, frame).await;
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "cannot subscribe to this node's channel"),
        }
        // Nodes that lost the same server must not come back in one moment.
        let jittered = pause.mul_f64(rand::rng().random_range(0.5..1.0));
        tokio::select! {
            () = tokio::time::sleep(jittered) => {}
            () = stop.cancelled() => return,
        }
        pause = (pause * 2).min(MOST_PAUSE);
    }
}

async fn handle(node: &Arc<Node>, frame: NodeFrame) {
    match frame {
        NodeFrame::Event { conversation, epoch, rev, seq: _, event } => {
            let at = Appended { epoch, rev, nodes: Vec::new(), fresh: true };
            node.delivery.deliver_here(conversation, &at, &event);
        }
        NodeFrame::ToConversation { conversation, except, frame } => {
            if let Some(hub) = node.delivery.hubs.get(conversation) {
                hub.tell(&text_frame(&frame), except);
            }
        }
        NodeFrame::ToUser { user, frame } => node.delivery.to_user_here(user, &frame),
        NodeFrame::ToWatchers { user, frame } => node.delivery.watchers.tell(user, &text_frame(&frame)),
        NodeFrame::Membership { user, conversation, member } => {
            node.chat.apply_membership(user, conversation, member).await;
        }
        NodeFrame::Revoked { user, session, keep } => {
            node.auth.forget(user, session).await;
            node.delivery.revoke_here(user, session, keep);
        }
    }
}
