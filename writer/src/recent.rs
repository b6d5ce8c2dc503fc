use std::collections::{HashMap, VecDeque};

use chat_core::{ClientMsgId, ConversationId, EventBody, Seq, UserId};
use chat_wire::LogRecord;

/// Sends kept for each partition. A second record of a send follows the first within a client's retries.
const KEPT: usize = 2_000;

type Send = (ConversationId, UserId, ClientMsgId);

/// The newest sends of a partition: finds a second record of one, which is not to be announced. The store decides for
/// good; this spares people seeing a message twice for a moment.
#[derive(Default)]
pub struct Recent {
    first: HashMap<Send, Seq>,
    order: VecDeque<Send>,
}

impl Recent {
    /// Notes a record. True when it is a message that was there before, at a lower position.
    pub fn superseded(&mut self, record: &LogRecord, seq: Seq) -> bool {
        let Some(id) = record.client_msg_id else { return false };
        let send = (record.conversation, record.actor, id);
        if let Some(first) = self.first.get(&send) {
            return *first < seq && matches!(record.body, EventBody::Message { .. });
        }
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.first.remove(&oldest);
        }
        self.first.insert(send, seq);
        self.order.push_back(send);
        false
    }
}

#[cfg(test)]
mod tests {
    use chat_ports::contract::{conversation, message_record, user};

    use super::*;

    #[test]
    fn only_the_second_is_superseded() {
        let mut recent = Recent::default();
        let record = message_record(conversation(), user(), "x");
        assert!(!recent.superseded(&record, Seq::new(5)));
        assert!(!recent.superseded(&record, Seq::new(5)), "the same one, read again");
        assert!(recent.superseded(&record, Seq::new(9)));
        assert!(!recent.superseded(&message_record(record.conversation, record.actor, "x"), Seq::new(9)));
    }

    #[test]
    fn what_it_keeps_is_bounded() {
        let mut recent = Recent::default();
        let (conv, author) = (conversation(), user());
        for n in 0..3 * KEPT as u64 {
            recent.superseded(&message_record(conv, author, "x"), Seq::new(n));
        }
        assert_eq!((recent.first.len(), recent.order.len()), (KEPT, KEPT));
    }
}
