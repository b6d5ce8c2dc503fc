use chat_core::{SessionId, Timestamp, UserId};
use chat_wire::ErrorCode;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use crate::Failure;

/// Life of an access token.
pub const ACCESS_SECONDS: u64 = 900;
const ISSUER: &str = "elastic-chat";

/// Who makes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    pub user: UserId,
    pub session: SessionId,
    pub expires_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: UserId,
    sid: SessionId,
    /// Seconds since 1970.
    iat: i64,
    exp: i64,
}

/// Signs and checks access tokens: JWT with HS256 (RFC 7519), the algorithm pinned.
pub struct AccessTokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl AccessTokens {
    pub fn new(key: &[u8; 32]) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        // The end is checked against the clock that was passed in.
        validation.validate_exp = false;
        Self { encoding: EncodingKey::from_secret(key), decoding: DecodingKey::from_secret(key), validation }
    }

    pub fn issue(&self, user: UserId, session: SessionId, now: Timestamp) -> Result<String, Failure> {
        let iat = now.millis() / 1000;
        let exp = iat + i64::try_from(ACCESS_SECONDS).unwrap_or(0);
        let claims = Claims { iss: ISSUER.to_owned(), sub: user, sid: session, iat, exp };
        encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(|e| Failure::internal("token", &e))
    }

    /// # Errors
    /// `token_expired` for one of ours whose time is over, `unauthenticated` for everything else.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, Failure> {
        let forged = |_| Failure::new(ErrorCode::Unauthenticated, "the access token is not valid");
        let claims = decode::<Claims>(token, &self.decoding, &self.validation).map_err(forged)?.claims;
        let expires_at = Timestamp::from_millis(claims.exp.saturating_mul(1000));
        if expires_at <= now {
            return Err(Failure::new(ErrorCode::TokenExpired, "the access token is over: refresh it"));
        }
        Ok(Caller { user: claims.sub, session: claims.sid, expires_at })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use uuid::Uuid;

    use super::*;

    fn ids() -> (UserId, SessionId) {
        (UserId::new(Uuid::from_u128(1)), SessionId::new(Uuid::from_u128(2)))
    }

    #[test]
    fn a_token_lives_fifteen_minutes() {
        let tokens = AccessTokens::new(&[7; 32]);
        let (user, session) = ids();
        let start = Timestamp::from_millis(1_700_000_000_000);
        let token = tokens.issue(user, session, start).expect("token");
        let caller = tokens.verify(&token, start.plus_millis(899_000)).expect("valid");
        assert_eq!((caller.user, caller.session), (user, session));
        let late = tokens.verify(&token, start.plus_millis(900_000)).expect_err("over");
        assert_eq!(late.code, ErrorCode::TokenExpired);
    }

    #[test]
    fn forgeries_are_refused() {
        let tokens = AccessTokens::new(&[7; 32]);
        let (user, session) = ids();
        let now = Timestamp::from_millis(1_700_000_000_000);
        let token = tokens.issue(user, session, now).expect("token");
        let parts: Vec<&str> = token.split('.').collect();
        let none = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT"}"#);
        let other = AccessTokens::new(&[8; 32]).issue(user, session, now).expect("token");
        for forged in [
            format!("{none}.{}.", parts[1]),
            format!("{none}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.{}", parts[0], parts[1], &parts[2][1..]),
            other,
            String::new(),
            "a.b.c".to_owned(),
        ] {
            assert_eq!(tokens.verify(&forged, now).expect_err("forged").code, ErrorCode::Unauthenticated, "{forged}");
        }
    }
}
