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
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    match <[u8; 32]>::try_from(bytes) {
        Ok(key) => Ok(key),
        Err(bytes) => bail!("{} has {} bytes, a key has 32", path.display(), bytes.len()),
    }
}
