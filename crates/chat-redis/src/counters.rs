//! What went wrong quietly.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) undecodable: AtomicU64,
    pub(crate) hints_dropped: AtomicU64,
    pub(crate) channels_lost: AtomicU64,
    pub(crate) rates_local: AtomicU64,
}

/// Totals since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountersReading {
    /// Entries of a tail, or packed frames, that could not be read.
    pub undecodable: u64,
    /// Frames for other nodes that were not published: the queue was full, or Redis unreachable.
    pub hints_dropped: u64,
    /// Receivers that closed since continuity was lost.
    pub channels_lost: u64,
    /// Decisions on quotas made without Redis.
    pub rates_local: u64,
}

impl Counters {
    pub(crate) fn read(&self) -> CountersReading {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CountersReading {
            undecodable: of(&self.undecodable),
            hints_dropped: of(&self.hints_dropped),
            channels_lost: of(&self.channels_lost),
            rates_local: of(&self.rates_local),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(by as u64, Ordering::Relaxed);
}
