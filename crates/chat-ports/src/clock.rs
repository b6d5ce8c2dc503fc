use chat_core::Timestamp;

/// The wall clock, passed in so that tests can turn it.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
}
