use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why a name, title or password is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("must have 3 to 32 characters of a-z 0-9 . _ -, beginning with a letter or digit")]
    Username,
    #[error("must have 1 to {max} visible characters on one line")]
    Line { max: usize },
    #[error("must have 8 to 256 characters")]
    Password,
}

/// Unique name for logging in: 3–32 of `a–z 0–9 . _ -`, in lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "ada")]
pub struct Username(String);

impl Username {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Username {
    type Error = NameError;
    /// Upper-case ASCII is folded, everything else must fit.
    fn try_from(text: String) -> Result<Self, NameError> {
        let text = text.to_ascii_lowercase();
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-');
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
        if !begins || !(3..=32).contains(&text.len()) || !text.bytes().all(allowed) {
            return Err(NameError::Username);
        }
        Ok(Self(text))
    }
}

impl std::str::FromStr for Username {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Username> for String {
    fn from(name: Username) -> String {
        name.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Control characters and the bidirectional overrides, which could make a name look like another.
fn is_unsafe_in_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}' | '\u{feff}')
}

macro_rules! line_of_text {
    ($($(#[$doc:meta])* $name:ident max $max:literal),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl TryFrom<String> for $name {
            type Error = NameError;
            /// White space at both ends is dropped.
            fn try_from(text: String) -> Result<Self, NameError> {
                let text = text.trim();
                if text.is_empty() || text.chars().count() > $max || text.chars().any(is_unsafe_in_a_line) {
                    return Err(NameError::Line { max: $max });
                }
                Ok(Self(text.to_owned()))
            }
        }
        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    )*};
}

line_of_text! {
    /// What others see of a person: 1–64 characters on one line.
    DisplayName max 64,
    /// A group's title: 1–128 characters on one line.
    Title max 128,
}

/// A password on its way to the hash; never printed.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(try_from = "String")]
#[schema(value_type = String, format = Password)]
pub struct Password(String);

impl Password {
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Password {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        if !(8..=256).contains(&text.chars().count()) {
            return Err(NameError::Password);
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames() {
        for good in ["ada", "Ada.L-1", "0x1", &"x".repeat(32)] {
            assert!(Username::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "ab", ".ada", "a b c", "adä", "a/../b", &"x".repeat(33)] {
            assert_eq!(Username::try_from(bad.to_owned()), Err(NameError::Username), "{bad}");
        }
        assert_eq!(Username::try_from("ADA".to_owned()).expect("valid").as_str(), "ada");
    }

    #[test]
    fn lines_are_trimmed_and_cannot_hide_text() {
        assert_eq!(Title::try_from("  Ops  ".to_owned()).expect("valid").as_str(), "Ops");
        for bad in ["", "   ", "a\nb", "admin\u{202e}nimda", "a\u{200b}b"] {
            assert!(DisplayName::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let password = Password::try_from("hunter22".to_owned()).expect("valid");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
