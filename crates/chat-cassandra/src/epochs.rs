use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts changes of things, so that a cache keyed by (thing, epoch) never answers with what was read before a change of
/// this process: also not when that read ends after the change. Things share counters; that costs a read now and then.
pub struct Epochs(Box<[AtomicU64]>);

const COUNTERS: usize = 4096;

impl Default for Epochs {
    fn default() -> Self {
        Self((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Epochs {
    fn counter(&self, thing: &impl Hash) -> &AtomicU64 {
        let mut hasher = std::hash::DefaultHasher::new();
        thing.hash(&mut hasher);
        let count = u64::try_from(self.0.len()).unwrap_or(1);
        let at = usize::try_from(hasher.finish() % count).unwrap_or(0);
        &self.0[at]
    }

    pub fn of(&self, thing: &impl Hash) -> u64 {
        self.counter(thing).load(Ordering::SeqCst)
    }

    /// After the change was written.
    pub fn changed(&self, thing: &impl Hash) {
        self.counter(thing).fetch_add(1, Ordering::SeqCst);
    }
}
