//! Short hashes, for names and annotations.

use sha2::{Digest as _, Sha256};

/// 16 hexadecimal digits of a hash of texts, in their order.
pub(super) fn short_hash<T: AsRef<str>>(texts: &[T]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_ref().len().to_be_bytes());
        hasher.update(text.as_ref());
    }
    let digest = hasher.finalize();
    format!("{:016x}", digest.iter().take(8).fold(0u64, |number, byte| number << 8 | u64::from(*byte)))
}
