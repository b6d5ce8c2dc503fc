use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Serialize, de::DeserializeOwned};

/// The cursor was not made by this server, or by another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a cursor of this list")]
pub struct BadCursor;

/// A list position as opaque text. It is not secret and not signed: it may only hold what the caller may choose freely.
pub fn encode_cursor<T: Serialize>(position: &T) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(position).unwrap_or_default())
}

/// Bounded: longer than 512 characters is refused unseen.
pub fn decode_cursor<T: DeserializeOwned>(text: &str) -> Result<T, BadCursor> {
    if text.len() > 512 {
        return Err(BadCursor);
    }
    let json = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
    serde_json::from_slice(&json).map_err(|_| BadCursor)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_a_cursor_or_an_error(text in ".{0,600}") {
            let _ = decode_cursor::<(u64, String)>(&text);
        }

        #[test]
        fn round_trips(position in (any::<u64>(), ".{0,40}")) {
            prop_assert_eq!(decode_cursor::<(u64, String)>(&encode_cursor(&position)), Ok(position));
        }
    }
}
