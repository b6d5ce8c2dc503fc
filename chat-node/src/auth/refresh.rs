use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat_core::SessionId;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// Makes the token after a token. It is always the same one: whoever shows a token again because the answer was lost, or
/// another tab was faster, gets the very successor that was handed out, and no second line of tokens begins.
pub struct Succession {
    key: Hmac<Sha256>,
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}

impl Succession {
    pub fn new(signing_key: &[u8; 32]) -> Self {
        // A key of its own, so that nothing signed elsewhere is ever a token.
        let derived = keyed(signing_key).chain_update(b"elastic-chat refresh tokens v1").finalize().into_bytes();
        Self { key: keyed(&derived) }
    }

    /// As hard to guess as a random one for everybody without the key, holders of `token` included.
    pub fn after(&self, token: &RefreshToken) -> RefreshToken {
        let mac = self.key.clone().chain_update(token.session.as_bytes()).chain_update(token.secret);
        RefreshToken { session: token.session, secret: mac.finalize().into_bytes().into() }
    }
}

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
    fn a_token_has_one_successor_that_only_the_key_tells() {
        let token = RefreshToken::new(SessionId::new(Uuid::from_u128(1)));
        let next = Succession::new(&[1; 32]).after(&token);
        assert_eq!(next, Succession::new(&[1; 32]).after(&token));
        assert_eq!(next.session, token.session);
        let others = [
            token.clone(),
            Succession::new(&[2; 32]).after(&token),
            Succession::new(&[1; 32]).after(&next),
            Succession::new(&[1; 32]).after(&RefreshToken::new(token.session)),
        ];
        assert!(others.iter().all(|other| other.secret != next.secret));
    }

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
