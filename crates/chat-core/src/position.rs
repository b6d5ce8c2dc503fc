use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest integer that every JSON reader holds exactly: 2^53 − 1.
pub const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
const OFFSET_BITS: u32 = 44;

/// A message's position in the log: `generation · 2^44 + offset`. Sparse, and strictly growing within a conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before every message.
    pub const ZERO: Self = Self(0);
    /// After every message.
    pub const MAX: Self = Self(MAX_SAFE_INTEGER);

    /// Clamped to [`Seq::MAX`], so that a hostile number cannot leave the range that stores and clients hold.
    pub const fn new(value: u64) -> Self {
        Self(if value > MAX_SAFE_INTEGER { MAX_SAFE_INTEGER } else { value })
    }

    /// `None` when the generation has more than 9 bits or the offset more than 44.
    pub const fn from_parts(generation: u16, offset: u64) -> Option<Self> {
        if generation >= 1 << 9 || offset >> OFFSET_BITS != 0 {
            return None;
        }
        Some(Self((generation as u64) << OFFSET_BITS | offset))
    }

    pub const fn generation(self) -> u64 {
        self.0 >> OFFSET_BITS
    }
    pub const fn offset(self) -> u64 {
        self.0 & ((1 << OFFSET_BITS) - 1)
    }
    pub const fn get(self) -> u64 {
        self.0
    }
    /// For stores whose integers are signed; exact, since the value is below 2^53.
    #[allow(clippy::cast_possible_wrap)]
    pub const fn as_i64(self) -> i64 {
        self.0 as i64
    }
    /// Negative numbers become [`Seq::ZERO`].
    #[allow(clippy::cast_sign_loss)]
    pub const fn from_i64(value: i64) -> Self {
        if value < 0 { Self::ZERO } else { Self::new(value as u64) }
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event's position in its conversation's tail: dense, from 1, valid within one epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub struct Rev(u64);

impl Rev {
    /// Before the first event.
    pub const ZERO: Self = Self(0);
    pub const fn new(value: u64) -> Self {
        Self(value)
    }
    pub const fn get(self) -> u64 {
        self.0
    }
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Rev {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_round_trip_and_keep_order(g1 in 0u16..512, o1 in 0u64..1 << 44, g2 in 0u16..512, o2 in 0u64..1 << 44) {
            let (a, b) = (Seq::from_parts(g1, o1).expect("in range"), Seq::from_parts(g2, o2).expect("in range"));
            prop_assert_eq!((a.generation(), a.offset()), (u64::from(g1), o1));
            prop_assert_eq!(a.cmp(&b), (g1, o1).cmp(&(g2, o2)));
            prop_assert!(a <= Seq::MAX);
            prop_assert_eq!(Seq::from_i64(a.as_i64()), a);
        }
    }

    #[test]
    fn out_of_range_parts_are_refused() {
        assert_eq!(Seq::from_parts(512, 0), None);
        assert_eq!(Seq::from_parts(0, 1 << 44), None);
    }
}
