//! The store: everything that is remembered, by subject.

mod accounts;
mod conversations;
mod files;
mod messages;
mod mutation;

pub use accounts::{AccountStore, Credentials, NewUser, ProfileChange, RefreshOutcome, SessionRow, UserRow};
pub use conversations::{ConversationRow, ConversationStore, ListPosition, MembershipRow};
pub use files::{FileRow, FileState, FileStore};
pub use messages::{MessageRow, MessageStore, Position, RowPage, Unread};
pub use mutation::Mutation;

/// All of it.
pub trait ChatStore: MessageStore + ConversationStore + AccountStore + FileStore {}
impl<T: MessageStore + ConversationStore + AccountStore + FileStore> ChatStore for T {}
