use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// The checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    // An empty variable is none, for cargo as well.
    let chosen = std::env::var_os("CARGO_TARGET_DIR").filter(|path| !path.is_empty());
    root().join(chosen.unwrap_or_else(|| "target".into()))
}

/// A command in the checkout.
pub fn command(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    command
}

pub fn cargo(args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    command(program, args)
}

/// Runs it with our terminal; an error when it fails.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("cannot run {shown}"))?;
    if !status.success() {
        bail!("{shown} failed with {status}");
    }
    Ok(())
}

/// Runs it and gives what it printed; an error, with that, when it fails.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let shown = format!("{command:?}");
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {shown}"))?;
    let mut text = plain(&String::from_utf8_lossy(&done.stdout));
    if !done.status.success() {
        text.push_str(&plain(&String::from_utf8_lossy(&done.stderr)));
        bail!("{text}\n{shown} failed with {}", done.status);
    }
    Ok(text)
}

/// Without colours and links: some programs write them whatever they are told, and a log shows them as rubbish.
fn plain(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut pieces = text.split('\x1b');
    kept.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let rest = match piece.as_bytes().first() {
            // A colour ends with a letter,
            Some(b'[') => piece.get(1..).and_then(|code| code.split_once(|end: char| end.is_ascii_alphabetic())),
            // a link's address with BEL, or with ESC and a backslash.
            Some(b']') => piece.split_once('\x07').or(Some(("", ""))),
            Some(b'\\') => piece.split_at_checked(1),
            _ => Some(("", piece)),
        };
        kept.push_str(rest.map_or("", |(_, rest)| rest));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_links_are_left_out() {
        let colourful = "a\x1b[0m\x1b[1;31mred\x1b[0m \x1b]8;;file:///x\x1b\\link\x1b]8;;\x1b\\ b[0]\x1b]8;;u\x07end";
        assert_eq!(plain(colourful), "ared link b[0]end");
        assert_eq!(plain("nothing – at all\n"), "nothing – at all\n");
    }
}
