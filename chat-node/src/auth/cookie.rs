use axum::http::{HeaderMap, HeaderValue, header};

use super::refresh::RefreshToken;

const NAME: &str = "ec_refresh";
/// Thirty days, as long as a session that is not used.
const MAX_AGE: u64 = 30 * 24 * 3600;

fn cookie(value: &str, max_age: u64, secure: bool) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{NAME}={value}; HttpOnly; SameSite=Strict; Path=/v1/auth; Max-Age={max_age}{secure}");
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub fn set_cookie(token: &RefreshToken, secure: bool) -> HeaderValue {
    cookie(&token.expose(), MAX_AGE, secure)
}

pub fn clear_cookie(secure: bool) -> HeaderValue {
    cookie("", 0, secure)
}

pub fn read_cookie(headers: &HeaderMap) -> Option<RefreshToken> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).and_then(|(_, value)| RefreshToken::parse(value))
}
