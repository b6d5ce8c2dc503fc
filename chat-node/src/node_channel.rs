//! What other nodes tell this one.

use std::sync::Arc;
use std::time::Duration;

use chat_ports::Appended;
use chat_wire::NodeFrame;
use tokio_util::sync::CancellationToken;

use crate::Node;
use crate::live::text_frame;

/// Handles hints until `stop` is cancelled. When the subscription breaks, continuity is lost: it subscribes again.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let mut pause = Duration::from_millis(100);
    loop {
        match node.backends.tail.subscribe(&node.id).await {
            Ok(mut frames) => {
                pause = Duration::from_millis(100);
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
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.cancelled() => return,
        }
        pause = (pause * 2).min(Duration::from_secs(5));
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
        NodeFrame::Revoked { user, session, keep } => node.delivery.revoke_here(user, session, keep),
    }
}
