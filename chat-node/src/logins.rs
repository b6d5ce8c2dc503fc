//! Looks again whether the logins of those who are connected have ended: the hint that says so may be lost, and nobody may
//! go on reading with a login that was taken from them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chat_core::{SessionId, UserId};
use futures_util::{StreamExt as _, stream};
use rand::RngExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::Node;

/// Looked up at the same time; each is one read of one row.
const AT_ONCE: usize = 16;
/// Between so many when there is reason to believe that hints were lost: 320 a second at most.
const HURRY: Duration = Duration::from_millis(50);
/// After looks that the store did not answer.
const RETRY: Duration = Duration::from_secs(1);

/// Asks for a look at all of them.
#[derive(Debug, Default)]
pub struct Logins {
    wanted: Notify,
}

impl Logins {
    /// Hints were lost.
    pub fn check_now(&self) {
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
        () = node.logins.wanted.notified() => Wake::Wanted,
        () = stop.cancelled() => Wake::Stop,
    }
}

/// Looks at each login once in `--session-check-seconds`, spread over that time, and soon at all of them when hints were
/// lost, until `stop` is cancelled.
pub async fn run(node: Arc<Node>, stop: CancellationToken) {
    let period = Duration::from_secs(node.config.session_check_seconds);
    let mut hurry = false;
    'rounds: loop {
        // Once each, however many devices share one.
        let connections = node.delivery.connections.all();
        let logins: HashSet<(UserId, SessionId)> =
            connections.iter().map(|connection| (connection.info.user, connection.info.session)).collect();
        drop(connections);
        let logins: Vec<_> = logins.into_iter().collect();
        let mut chunks: Vec<&[(UserId, SessionId)]> = logins.chunks(AT_ONCE).collect();
        if chunks.is_empty() {
            chunks.push(&[]);
        }
        let evenly = period / u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        let pause = if std::mem::take(&mut hurry) { HURRY.min(evenly) } else { evenly };
        for chunk in chunks {
            let jittered = pause.mul_f64(rand::rng().random_range(0.8..1.2));
            match wait(&node, &stop, jittered).await {
                Wake::Time => {}
                Wake::Wanted => {
                    hurry = true;
                    continue 'rounds;
                }
                Wake::Stop => return,
            }
            let Some(answered) = stop.run_until_cancelled(look(&node, chunk)).await else { return };
            if !answered {
                // Whoever was in a hurry still is.
                hurry = pause < evenly;
                if let Wake::Stop = wait(&node, &stop, RETRY).await {
                    return;
                }
                continue 'rounds;
            }
        }
    }
}

/// False when the store did not answer.
async fn look(node: &Arc<Node>, logins: &[(UserId, SessionId)]) -> bool {
    let looks = logins.iter().copied().map(|(user, session)| async move {
        match node.auth.has_ended(user, session).await {
            Ok(false) => true,
            Ok(true) => {
                tracing::info!(target: "audit", %user, %session, "a session that was ended elsewhere is cut");
                node.delivery.revoke_here(user, Some(session), None);
                true
            }
            Err(error) => {
                tracing::debug!(%user, %error, "a login is looked up later");
                false
            }
        }
    });
    let looks: Vec<_> = looks.collect();
    stream::iter(looks).buffer_unordered(AT_ONCE).fold(true, |all, one| async move { all && one }).await
}
