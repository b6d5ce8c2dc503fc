//! Runs the shell blocks that are marked: ```` ```sh run ````. Those of one page are one script, in an empty folder of its own.

use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::files::read;
use crate::node::free_port;
use crate::process::{output, target};

const MARK: &str = "```sh run";
/// A page that takes longer hangs.
const MOST_SECONDS: &str = "120";
/// The addresses of the text; where it is tried they may be taken.
const LISTEN: &str = "127.0.0.1:8080";
const ADMIN: &str = "127.0.0.1:9090";

/// How many lines of commands were run.
///
/// # Errors
/// A command failed: with its page, and what was said.
pub fn run_all(pages: &[String]) -> anyhow::Result<usize> {
    let mut lines = 0;
    for page in pages {
        let script = marked(&read(page)?);
        if !script.is_empty() {
            run(&script).with_context(|| format!("{page}: its commands don't do what it says"))?;
            lines += script.lines().filter(|line| !line.trim().is_empty()).count();
        }
    }
    ensure!(lines > 0, "no page has a block that is marked to be run");
    Ok(lines)
}

fn marked(page: &str) -> String {
    let (mut script, mut inside) = (String::new(), false);
    for line in page.lines() {
        if inside && line.starts_with("```") {
            inside = false;
        } else if inside {
            script.push_str(line);
            script.push('\n');
        } else {
            inside = line == MARK;
        }
    }
    script
}

fn run(script: &str) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (listen, admin) = (free_port()?.to_string(), free_port()?.to_string());
    let moved = script.replace(LISTEN, &listen).replace(ADMIN, &admin);
    // What was begun in the background ends with the script, by its process id.
    let whole = format!(
        "set -euxo pipefail\ntrap 'for job in $(jobs -p); do kill -9 \"$job\" 2>/dev/null || true; done' EXIT\n{moved}"
    );
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(target().join("debug")).chain(std::env::split_paths(&path));
    let mut bash = Command::new("timeout");
    bash.args(["--kill-after=5", MOST_SECONDS, "bash", "-c", &whole]).current_dir(folder.path());
    bash.env("PATH", std::env::join_paths(folders)?);
    // As the text's node would find them by default.
    bash.env("ELASTIC_CHAT_LISTEN", listen).env("ELASTIC_CHAT_ADMIN", admin);
    output(&mut bash).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marked_blocks_are_run_in_their_order() {
        let page = "```sh\nno\n```\n```sh run\none\n```\ntext\n```sh run\ntwo\n```\n";
        assert_eq!(marked(page), "one\ntwo\n");
    }

    #[test]
    fn a_command_that_fails_is_told() {
        assert!(run("true\necho fine | grep -q fine\n").is_ok());
        assert!(run("echo fine | grep -q bad\ntrue\n").is_err(), "the last command decides nothing");
    }
}
