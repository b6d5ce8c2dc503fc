//! The settings of every program, from what it says of itself with `--help`.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};

use super::super::rust::lean;
use crate::files::read;
use crate::process::{command, output, root, target};

const PAGE: &str = "docs/reference/configuration.md";
const MARK: &str = "<!-- made from --help: `./dev generate` -->\n";
const PROGRAMS: [(&str, &[&str]); 4] =
    [("chat-node", &["serve"]), ("chat-node", &["migrate"]), ("writer", &["run"]), ("operator", &["run"])];

/// The page as the programs have it now; the text above the mark stays.
fn page() -> anyhow::Result<String> {
    let old = read(PAGE)?;
    let (head, _) = old.split_once(MARK).with_context(|| format!("{PAGE} has lost its mark {MARK}"))?;
    let mut page = format!("{head}{MARK}");
    for (program, words) in PROGRAMS {
        let mut help = command(target().join("debug").join(program), words);
        // What is set here is shown as a value there.
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("ELASTIC_CHAT_") || name.starts_with("POD_"))
        {
            help.env_remove(name);
        }
        let said = output(help.arg("--help").env("COLUMNS", "400"))?;
        write!(page, "\n## {program} {}\n\n", words.join(" "))?;
        page += &table(&said);
    }
    Ok(page)
}

/// # Errors
/// The page is not what the programs say.
pub fn is_current() -> anyhow::Result<()> {
    ensure!(read(PAGE)? == page()?, "{PAGE} is not what the programs say: run ./dev generate");
    Ok(())
}

/// Writes it.
///
/// # Errors
/// A program does not build.
pub fn generate() -> anyhow::Result<()> {
    output(&mut lean(&["build", "--quiet", "--workspace", "--bins", "--locked"]))?;
    Ok(std::fs::write(root().join(PAGE), page()?)?)
}

/// A row for each flag. clap writes the flag, then its help, indented, then `[env: …]`, `[default: …]` and `[possible values: …]`.
fn table(help: &str) -> String {
    let mut rows = String::from("| flag | environment | default | |\n|---|---|---|---|\n");
    let mut flags: Vec<(String, Vec<&str>)> = Vec::new();
    for line in help.lines() {
        let text = line.trim();
        if text.starts_with("--") || (text.starts_with('-') && text.contains(", --")) {
            flags.push((text.to_owned(), Vec::new()));
        } else if line.starts_with("          ")
            && let Some((_, about)) = flags.last_mut()
        {
            about.push(text);
        }
    }
    for (flag, about) in flags.iter().filter(|(flag, _)| !flag.contains("--help") && !flag.contains("--version")) {
        let note = |name: &str| {
            let mark = format!("[{name}: ");
            about.iter().find_map(|line| line.strip_prefix(mark.as_str())?.strip_suffix(']'))
        };
        let code = |text: Option<&str>| text.map_or(String::new(), |text| format!("`{text}`"));
        let env = note("env").map(|env| env.trim_end_matches('='));
        let mut said: Vec<&str> =
            about.iter().copied().filter(|line| !line.is_empty() && !line.starts_with('[')).collect();
        let values = note("possible values").map(|values| format!("One of: {values}"));
        said.extend(values.as_deref());
        let said = said.join(" ").replace('|', "\\|").replace('<', "&lt;");
        let _ = writeln!(rows, "| `{flag}` | {} | {} | {said} |", code(env), code(note("default")));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_becomes_a_row() {
        let help = "Run the node\n\nUsage: x\n\nOptions:\n      --listen <LISTEN>\n          Where clients connect\n\n          \
            [env: ELASTIC_CHAT_LISTEN=]\n          [default: 127.0.0.1:8080]\n\n  -h, --help\n          Print help\n";
        let row = "| `--listen <LISTEN>` | `ELASTIC_CHAT_LISTEN` | `127.0.0.1:8080` | Where clients connect |\n";
        assert!(table(help).ends_with(row), "{}", table(help));
        assert_eq!(table(help).lines().count(), 3);
    }
}
