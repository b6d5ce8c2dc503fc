use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat_core::SessionId;
use sha2::{Digest as _, Sha256};

/// What a client shows for a new access token: 256 random bits, of which the server keeps the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub session: SessionId,
    secret: [u8; 32],
}

impl RefreshToken {
    pub fn new(session: SessionId) -> Self {
        Self { session, secret: rand::random() }
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// `None` for anything that is no token.
    pub fn parse(text: &str) -> Option<Self> {
        let (session, secret) = text.split_once('.')?;
        let secret = URL_SAFE_NO_PAD.decode(secret).ok()?;
        Some(Self { session: session.parse().ok()?, secret: secret.try_into().ok()? })
    }

    /// For the cookie only.
    pub fn expose(&self) -> String {
        format!("{}.{}", self.session, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({})", self.session)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn round_trips_and_hides_its_secret() {
        let token = RefreshToken::new(SessionId::new(Uuid::from_u128(1)));
        assert_eq!(RefreshToken::parse(&token.expose()), Some(token.clone()));
        assert!(!format!("{token:?}").contains(token.expose().split_once('.').expect("two parts").1));
        for bad in ["", "x", "a.b", &token.expose()[..40]] {
            assert_eq!(RefreshToken::parse(bad), None, "{bad}");
        }
    }
}
