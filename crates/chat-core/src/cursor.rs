use serde::{Deserialize, Serialize};

use crate::Seq;

/// How far somebody has come in a conversation. Both parts only grow, so merges commute and repeat safely.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadCursor {
    pub read: Seq,
    pub delivered: Seq,
}

impl ReadCursor {
    /// What was read was also delivered.
    pub fn read_up_to(seq: Seq) -> Self {
        Self { read: seq, delivered: seq }
    }
    pub fn delivered_up_to(seq: Seq) -> Self {
        Self { read: Seq::ZERO, delivered: seq }
    }
    /// The later of both in each part.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let read = self.read.max(other.read);
        Self { read, delivered: self.delivered.max(other.delivered).max(read) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cursor() -> impl Strategy<Value = ReadCursor> {
        (0u64..50, 0u64..50).prop_map(|(r, d)| ReadCursor { read: Seq::new(r), delivered: Seq::new(d.max(r)) })
    }

    proptest! {
        #[test]
        fn merge_commutes_repeats_and_only_grows(a in cursor(), b in cursor(), c in cursor()) {
            prop_assert_eq!(a.merge(b), b.merge(a));
            prop_assert_eq!(a.merge(b).merge(c), a.merge(b.merge(c)));
            prop_assert_eq!(a.merge(a), a);
            prop_assert!(a.merge(b).read >= a.read && a.merge(b).delivered >= a.delivered);
        }
    }
}
