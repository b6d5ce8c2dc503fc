use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

/// The key that signs access tokens and file links: 32 random bytes in a file that only the owner reads.
///
/// # Errors
/// The file can't be read or made, or has another length.
pub fn load_or_create_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    if !path.exists() {
        let key: [u8; 32] = rand::random();
        let partial = path.with_extension("partial");
        let _ = std::fs::remove_file(&partial);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&partial)
            .with_context(|| format!("cannot create {}", partial.display()))?;
        file.write_all(&key)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)?;
    }
    load_key(path)
}

/// A key that somebody made: 32 bytes, raw or as 64 hexadecimal digits.
///
/// # Errors
/// The file can't be read, or holds something else.
pub fn load_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    if let Ok(key) = <[u8; 32]>::try_from(bytes.as_slice()) {
        return Ok(key);
    }
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let mut key = [0; 32];
    let is_hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_hex {
        bail!("{} has {} bytes: a key has 32, or 64 hexadecimal digits", path.display(), bytes.len());
    }
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits)?, 16)?;
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_raw_or_hexadecimal() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("key");
        for (content, good) in [
            (vec![7; 32], true),
            (format!("{}\n", "0a".repeat(32)).into_bytes(), true),
            (b"short".to_vec(), false),
            ("zz".repeat(32).into_bytes(), false),
            ("é".repeat(32).into_bytes(), false),
        ] {
            std::fs::write(&path, &content).expect("write");
            assert_eq!(load_key(&path).is_ok(), good, "{content:?}");
        }
    }
}
