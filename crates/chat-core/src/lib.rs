//! What a chat *is*: ids, positions, messages, events, roles and limits.
//!
//! Nothing here does I/O, reads a clock or draws a random number; whoever calls passes those in.

mod conversation;
mod cursor;
mod event;
mod ids;
mod message;
mod names;
mod permission;
mod position;
mod timestamp;

pub use conversation::{ConversationKind, LeaveRefused, Member, check_leave};
pub use cursor::ReadCursor;
pub use event::{Event, EventBody};
pub use ids::{ClientMsgId, ConversationId, DeviceId, Epoch, FileId, IdError, MessageId, NodeId, SessionId, UserId};
pub use message::{Attachment, BodyProblem, Emoji, MessageBody, MessageKind, TextLimits};
pub use names::{DisplayName, NameError, Password, Title, Username};
pub use permission::{Action, Role};
pub use position::{MAX_SAFE_INTEGER, Rev, Seq};
pub use timestamp::Timestamp;
