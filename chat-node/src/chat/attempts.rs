//! What this node is appending, and what it appended and could tell nobody: known here whatever becomes of Redis.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chat_core::{ClientMsgId, ConversationId, Seq, Timestamp, UserId};
use parking_lot::Mutex;

/// Places that could not be told, and for how long they are kept: until the writer has told them, at the latest.
const MOST_PLACES: u64 = 50_000;
const PLACES_FOR: Duration = Duration::from_mins(5);

/// What a client sent, whatever attempt it is.
pub type Sent = (ConversationId, UserId, ClientMsgId);

/// The attempts of one node.
pub struct Attempts {
    under_way: Arc<Mutex<HashSet<Sent>>>,
    places: moka::future::Cache<Sent, (Seq, Timestamp)>,
}

/// An attempt begins, or there is an earlier one.
pub enum Attempt {
    First(UnderWay),
    UnderWay,
    Placed { seq: Seq, at: Timestamp },
}

/// An attempt that is under way as long as this lives.
pub struct UnderWay {
    all: Arc<Mutex<HashSet<Sent>>>,
    sent: Sent,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.all.lock().remove(&self.sent);
    }
}

impl Default for Attempts {
    fn default() -> Self {
        let places = moka::future::Cache::builder().max_capacity(MOST_PLACES).time_to_live(PLACES_FOR).build();
        Self { under_way: Arc::default(), places }
    }
}

impl Attempts {
    pub async fn begin(&self, sent: Sent) -> Attempt {
        if !self.under_way.lock().insert(sent) {
            return Attempt::UnderWay;
        }
        let attempt = UnderWay { all: Arc::clone(&self.under_way), sent };
        // Looked up after that: an attempt leaves its place before it ends.
        match self.places.get(&sent).await {
            Some((seq, at)) => Attempt::Placed { seq, at },
            None => Attempt::First(attempt),
        }
    }

    /// The log has it, and nobody else could be told.
    pub async fn placed(&self, sent: Sent, seq: Seq, at: Timestamp) {
        self.places.insert(sent, (seq, at)).await;
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn one_attempt_at_a_time_and_none_after_it_has_its_place() {
        let attempts = Attempts::default();
        let id = |id| ClientMsgId::new(Uuid::from_u128(id));
        let sent = |n| (ConversationId::new(Uuid::from_u128(1)), UserId::new(Uuid::from_u128(2)), id(n));
        let Attempt::First(first) = attempts.begin(sent(3)).await else { panic!("the first") };
        assert!(matches!(attempts.begin(sent(3)).await, Attempt::UnderWay));
        assert!(matches!(attempts.begin(sent(4)).await, Attempt::First(_)), "another one");
        drop(first);
        let Attempt::First(again) = attempts.begin(sent(3)).await else { panic!("nobody knows what became of it") };
        let (seq, at) = (Seq::new(7), Timestamp::from_millis(8));
        attempts.placed(sent(3), seq, at).await;
        assert!(matches!(attempts.begin(sent(3)).await, Attempt::UnderWay));
        drop(again);
        for _ in 0..2 {
            let found = attempts.begin(sent(3)).await;
            assert!(matches!(found, Attempt::Placed { seq: s, at: a } if (s, a) == (seq, at)));
        }
    }
}
