//! Looks up memberships again that may have ended unheard of.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio_util::sync::CancellationToken;

use crate::Node;

/// Looked up at the same time.
const AT_ONCE: usize = 32;
/// Before those are tried again that the store did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes the seats of those who are no members any more, until `stop` is cancelled.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    loop {
        let wanted = tokio::select! {
            wanted = node.delivery.rechecks.next() => wanted,
            () = stop.cancelled() => return,
        };
        let looks = wanted.into_iter().map(|(conversation, user)| {
            let node = Arc::clone(&node);
            async move {
                match node.backends.store.membership(conversation, user).await {
                    Ok(Some(_)) => false,
                    Ok(None) => {
                        node.chat.apply_membership(user, conversation, false).await;
                        false
                    }
                    Err(error) => {
                        tracing::debug!(%conversation, %user, %error, "a membership is looked up later");
                        node.delivery.rechecks.ask(conversation, [user]);
                        true
                    }
                }
            }
        });
        let looks: Vec<_> = looks.collect();
        // All of them: none may be given up because another failed.
        let failed =
            stream::iter(looks).buffer_unordered(AT_ONCE).fold(false, |any, one| async move { any || one }).await;
        if failed {
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
