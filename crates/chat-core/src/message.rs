use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{FileId, Role, Seq, UserId};

/// A file as a message shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    pub id: FileId,
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Media type, as sniffed by the server.
    #[serde(rename = "type")]
    pub media_type: String,
}

/// What a message says. System messages use `user`, `role` and `title`; people's messages the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MessageBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<Seq>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl MessageBody {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::default() }
    }
}

/// How a row of the timeline came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    Message,
    MemberJoined,
    MemberLeft,
    RoleChanged,
    ConversationUpdated,
}

impl MessageKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::MemberJoined => "member_joined",
            Self::MemberLeft => "member_left",
            Self::RoleChanged => "role_changed",
            Self::ConversationUpdated => "conversation_updated",
        }
    }
    pub fn from_text(text: &str) -> Option<Self> {
        Some(match text {
            "message" => Self::Message,
            "member_joined" => Self::MemberJoined,
            "member_left" => Self::MemberLeft,
            "role_changed" => Self::RoleChanged,
            "conversation_updated" => Self::ConversationUpdated,
            _ => return None,
        })
    }
}

/// Bounds for what people write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimits {
    /// Unicode scalar values.
    pub text_chars: usize,
    pub attachments: usize,
    pub mentions: usize,
}

impl Default for TextLimits {
    fn default() -> Self {
        Self { text_chars: 8_000, attachments: 10, mentions: 50 }
    }
}

/// Why a body is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyProblem {
    #[error("a message needs text or an attachment")]
    Empty,
    #[error("the text has {chars} characters, {max} are allowed")]
    TextTooLong { chars: usize, max: usize },
    #[error("{count} attachments, {max} are allowed")]
    TooManyAttachments { count: usize, max: usize },
    #[error("{count} mentions, {max} are allowed")]
    TooManyMentions { count: usize, max: usize },
}

impl TextLimits {
    pub fn check(&self, text: Option<&str>, attachments: usize, mentions: usize) -> Result<(), BodyProblem> {
        let text = text.unwrap_or_default();
        if text.trim().is_empty() && attachments == 0 {
            return Err(BodyProblem::Empty);
        }
        // Bytes bound characters from above, so that long texts are counted only when they may be too long.
        if text.len() > self.text_chars {
            let chars = text.chars().count();
            if chars > self.text_chars {
                return Err(BodyProblem::TextTooLong { chars, max: self.text_chars });
            }
        }
        if attachments > self.attachments {
            return Err(BodyProblem::TooManyAttachments { count: attachments, max: self.attachments });
        }
        if mentions > self.mentions {
            return Err(BodyProblem::TooManyMentions { count: mentions, max: self.mentions });
        }
        Ok(())
    }
}

/// One reaction symbol: 1–32 bytes without white space, control characters or ASCII letters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "👍")]
pub struct Emoji(String);

impl Emoji {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The text is not one emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one emoji of at most 32 bytes")]
pub struct NotAnEmoji;

impl TryFrom<String> for Emoji {
    type Error = NotAnEmoji;
    fn try_from(text: String) -> Result<Self, NotAnEmoji> {
        let bad =
            |c: char| c.is_control() || c.is_whitespace() || c.is_ascii_alphabetic() || matches!(c, '<' | '>' | '&');
        // Keycaps such as 1️⃣ begin with an ASCII digit, so at least one character beyond ASCII is what tells.
        if text.is_empty() || text.len() > 32 || text.chars().any(bad) || text.is_ascii() {
            return Err(NotAnEmoji);
        }
        Ok(Self(text))
    }
}

impl From<Emoji> for String {
    fn from(emoji: Emoji) -> String {
        emoji.0
    }
}

impl fmt::Display for Emoji {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_bounded() {
        let limits = TextLimits { text_chars: 5, attachments: 1, mentions: 1 };
        assert_eq!(limits.check(Some("ééééé"), 0, 0), Ok(()));
        assert_eq!(limits.check(Some("éééééé"), 0, 0), Err(BodyProblem::TextTooLong { chars: 6, max: 5 }));
        assert_eq!(limits.check(Some(" \n"), 0, 0), Err(BodyProblem::Empty));
        assert_eq!(limits.check(None, 1, 0), Ok(()));
        assert_eq!(limits.check(None, 2, 0), Err(BodyProblem::TooManyAttachments { count: 2, max: 1 }));
        assert_eq!(limits.check(Some("a"), 0, 2), Err(BodyProblem::TooManyMentions { count: 2, max: 1 }));
    }

    #[test]
    fn emoji() {
        for good in ["👍", "❤️", "👩🏽‍🚀", "1️⃣", "🏳️‍🌈"] {
            assert!(Emoji::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "a", "ok", "<b>", "👍 👍", "1", &"👍".repeat(9)] {
            assert!(Emoji::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
