//! The settings of every program, from what it says of itself with `--help`.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};

use crate::files::read;
use crate::process::{command, output, root, target};
use crate::programs::programs;

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
    programs()?;
    Ok(std::fs::write(root().join(PAGE), page()?)?)
}

/// A row for each flag. clap writes the flag, then its help, indented, then `[env: …]`, `[default: …]` and `[possible values: …]`.
fn table(help: &str) -> String {
    let mut rows = String::from("| flag | environment | default | |\n|---|---|---|---|\n");
    let mut flags: Vec<(String, Vec<&str>)> = Vec::new();
    for line in help.lines() {
        let text = line.trim();
        if text.starts_with("--") || (text.starts_with('-') && text.contains(", --")) {
            // Where no flag has much to say, its help stands beside it.
            let (flag, beside) = text.split_once("  ").unwrap_or((text, ""));
            flags.push((flag.to_owned(), vec![beside.trim()]));
        } else if line.starts_with("          ")
            && let Some((_, about)) = flags.last_mut()
        {
            about.push(text);
        }
    }
    for (flag, about) in flags.iter().filter(|(flag, _)| !flag.contains("--help") && !flag.contains("--version")) {
        let code = |text: Option<String>| text.map_or(String::new(), |text| format!("`{text}`"));
        let said = about.iter().filter(|line| !line.is_empty()).copied().collect::<Vec<_>>().join(" ");
        let (said, values) = without_note(&said, "possible values");
        let (said, default) = without_note(&said, "default");
        let (mut said, env) = without_note(&said, "env");
        if let Some(values) = values {
            said.push_str(if said.is_empty() { "One of: " } else { ". One of: " });
            said.push_str(&values);
        }
        let env = env.map(|env| env.trim_end_matches('=').to_owned());
        let said = said.replace('|', "\\|").replace('<', "&lt;");
        let _ = writeln!(rows, "| `{flag}` | {} | {} | {said} |", code(env), code(default));
    }
    rows
}

/// Takes `[name: content]`, as clap writes it behind the help, out of a text.
fn without_note(text: &str, name: &str) -> (String, Option<String>) {
    let mark = format!("[{name}: ");
    let found = text.rfind(&mark).and_then(|at| {
        let (content, rest) = text[at + mark.len()..].split_once(']')?;
        Some((format!("{}{rest}", &text[..at]).trim().to_owned(), Some(content.to_owned())))
    });
    found.unwrap_or_else(|| (text.trim().to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In one line or in several: that depends on how long the lines may be.
    #[test]
    fn help_becomes_a_row() {
        let notes = ["[env: ELASTIC_CHAT_LOG_FORMAT=]", "[default: text]", "[possible values: text, json]"];
        let row = "| `--log-format <FORMAT>` | `ELASTIC_CHAT_LOG_FORMAT` | `text` | How to log. One of: text, json |\n";
        for between in ["\n          ", " "] {
            let notes = notes.join(between);
            let help = format!(
                "Run the node\n\nUsage: x\n\nOptions:\n      --log-format <FORMAT>\n          How to log\n\n          \
                 {notes}\n\n  -h, --help\n          Print help\n"
            );
            assert!(table(&help).ends_with(row), "{}", table(&help));
            assert_eq!(table(&help).lines().count(), 3);
        }
        let beside = "      --log <LOG>    What to log [env: X=] [default: warn]\n";
        assert!(table(beside).ends_with("| `--log <LOG>` | `X` | `warn` | What to log |\n"), "{}", table(beside));
        let bare = "      --limit <N>\n          [env: ELASTIC_CHAT_LIMIT=] [default: 10]\n";
        assert!(table(bare).ends_with("| `--limit <N>` | `ELASTIC_CHAT_LIMIT` | `10` |  |\n"), "{}", table(bare));
    }
}
