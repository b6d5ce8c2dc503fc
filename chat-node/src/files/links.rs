use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat_core::{FileId, Timestamp};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Life of a link for reading.
pub const LINK_SECONDS: u64 = 60;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Upload { part: u32 },
}

/// Signs and checks links to blobs: HMAC-SHA256 over what the link allows and until when.
pub struct Links {
    key: Hmac<Sha256>,
}

impl Links {
    pub fn new(signing_key: &[u8; 32]) -> Self {
        // A key of its own, so that nothing signed elsewhere is ever a link.
        let derived = keyed(signing_key).chain_update(b"elastic-chat blob links v1").finalize().into_bytes();
        Self { key: keyed(&derived) }
    }

    fn mac(&self, file: FileId, purpose: Purpose, expires: i64) -> Hmac<Sha256> {
        let allowed = match purpose {
            Purpose::Read => "read".to_owned(),
            Purpose::Upload { part } => format!("upload/{part}"),
        };
        self.key.clone().chain_update(format!("{file}/{allowed}/{expires}"))
    }

    /// Path and query, from the root of the server.
    pub fn path(&self, file: FileId, purpose: Purpose, until: Timestamp) -> String {
        let expires = until.millis() / 1000;
        let signature = URL_SAFE_NO_PAD.encode(self.mac(file, purpose, expires).finalize().into_bytes());
        let part = match purpose {
            Purpose::Read => String::new(),
            Purpose::Upload { part } => format!("/{part}"),
        };
        format!("/v1/blobs/{file}{part}?expires={expires}&signature={signature}")
    }

    /// Was it signed here, for this, and is it still good? Compared in constant time.
    pub fn check(&self, file: FileId, purpose: Purpose, expires: i64, signature: &str, now: Timestamp) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature) else { return false };
        self.mac(file, purpose, expires).verify_slice(&signature).is_ok() && now.millis() / 1000 < expires
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::new_from_slice(key) {
        Ok(mac) => mac,
        Err(_) => unreachable!("HMAC takes a key of any length"),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_link_is_good_for_one_thing_and_a_while() {
        let links = Links::new(&[1; 32]);
        let (file, other) = (FileId::new(Uuid::from_u128(1)), FileId::new(Uuid::from_u128(2)));
        let now = Timestamp::from_millis(1_000_000);
        let path = links.path(file, Purpose::Read, now.plus_millis(60_000));
        let signature = path.split("signature=").nth(1).expect("signature");
        let check = |links: &Links, file, purpose, expires, now| links.check(file, purpose, expires, signature, now);
        assert!(check(&links, file, Purpose::Read, 1_060, now));
        assert!(!check(&links, other, Purpose::Read, 1_060, now));
        assert!(!check(&links, file, Purpose::Upload { part: 1 }, 1_060, now));
        assert!(!check(&links, file, Purpose::Read, 2_000, now));
        assert!(!check(&links, file, Purpose::Read, 1_060, now.plus_millis(60_000)));
        assert!(!check(&Links::new(&[2; 32]), file, Purpose::Read, 1_060, now));
        assert!(!links.check(file, Purpose::Read, 1_060, "", now));
    }
}
