//! What is fetched or built once, outside of the checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use sha2::{Digest as _, Sha256};

/// `$XDG_CACHE_HOME/elastic-chat`, by default `~/.cache/elastic-chat`.
pub fn root() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").unwrap_or_else(|| ".".into()).join(".cache");
    set("XDG_CACHE_HOME").unwrap_or_else(home).join("elastic-chat")
}

/// The folder of something, filled when it is not there. Its name has a hash of what it is made from, and it takes that
/// name when it is complete: a changed version is made anew, what was cut off is not used, and two at once do no harm.
///
/// # Errors
/// `fill` failed, or the folder can't be made.
pub fn folder(
    what: &str,
    made_from: &[&str],
    fill: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let mut hash = Sha256::new();
    for part in made_from {
        // With its length, so that moving a line from one part to the next makes another name.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let folder = root().join(format!("{what}-{}", &hex(&hash.finalize())[..16]));
    if folder.exists() {
        return Ok(folder);
    }
    let making = folder.with_extension(format!("making-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&making);
    std::fs::create_dir_all(&making).with_context(|| making.display().to_string())?;
    let filled = fill(&making).and_then(|()| match std::fs::rename(&making, &folder) {
        // Another was first.
        Err(_) if folder.exists() => Ok(()),
        renamed => renamed.with_context(|| folder.display().to_string()),
    });
    let _ = std::fs::remove_dir_all(&making);
    filled.map(|()| folder)
}

/// In hexadecimal digits.
///
/// # Errors
/// The file can't be read.
pub fn sha256(path: &Path) -> anyhow::Result<String> {
    let mut file = std::fs::File::open(path).with_context(|| path.display().to_string())?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        match std::io::Read::read(&mut file, &mut piece)? {
            0 => return Ok(hex(&hash.finalize())),
            count => hash.update(&piece[..count]),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Runs a command quietly.
///
/// # Errors
/// It can't be run, or failed: with what it said.
pub fn run(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.stdin(Stdio::null()).output();
    let done = done.with_context(|| format!("cannot run {program}: install it (on Debian and Ubuntu `./dev` does)"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !done.status.success() {
        bail!("{program} failed with {}\n{}{}", done.status, text(&done.stdout), text(&done.stderr));
    }
    Ok(text(&done.stdout))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_that_of_sha256sum() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("abc");
        std::fs::write(&file, "abc").expect("works");
        assert_eq!(sha256(&file).expect("works"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
