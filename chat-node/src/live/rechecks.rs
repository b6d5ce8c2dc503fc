use std::collections::HashSet;

use chat_core::{ConversationId, UserId};
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Whose membership has to be looked up again: they left as an event says, or events were lost. The hint that takes a
/// seat away may be lost, and nobody may read or write in a conversation that they were removed from.
#[derive(Debug, Default)]
pub struct Rechecks {
    wanted: Mutex<HashSet<(ConversationId, UserId)>>,
    wake: Notify,
}

impl Rechecks {
    pub fn ask(&self, conversation: ConversationId, users: impl IntoIterator<Item = UserId>) {
        let mut wanted = self.wanted.lock();
        wanted.extend(users.into_iter().map(|user| (conversation, user)));
        if !wanted.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Waits for some.
    pub async fn next(&self) -> Vec<(ConversationId, UserId)> {
        loop {
            let wanted = std::mem::take(&mut *self.wanted.lock());
            if !wanted.is_empty() {
                return wanted.into_iter().collect();
            }
            self.wake.notified().await;
        }
    }
}
