//! Checks of the files themselves.

use anyhow::bail;

use crate::files::{read, tracked};

const LONGEST_FILE: usize = 400;

/// Lock files name no mirror, and nothing in the tree is left to do.
pub fn tree() -> anyhow::Result<String> {
    let mut problems = foreign_sources()?;
    let mut long = Vec::new();
    for name in tracked()?.iter().filter(|name| is_source(name)) {
        // Deleted, and not committed yet.
        let Ok(text) = read(name) else { continue };
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            long.push(format!("{name} ({lines})"));
        }
        for mark in [concat!("todo", "!("), concat!("dbg", "!("), concat!("FIX", "ME")] {
            if text.contains(mark) {
                problems.push(format!("{name} has {mark}"));
            }
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    if long.is_empty() {
        return Ok(String::new());
    }
    // A warning: where to cut is a matter of judgement.
    Ok(format!("more than {LONGEST_FILE} lines (one subject each?): {}", long.join(", ")))
}

fn foreign_sources() -> anyhow::Result<Vec<String>> {
    let mut problems = Vec::new();
    if read("web/package-lock.json")?.contains("\"resolved\"") {
        problems.push("web/package-lock.json records addresses: keep web/.npmrc, and make it anew".to_owned());
    }
    let official = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    for line in read("Cargo.lock")?.lines().filter(|line| line.starts_with("source = ") && *line != official) {
        problems.push(format!("Cargo.lock has another source: {line}"));
    }
    Ok(problems)
}

fn is_source(name: &str) -> bool {
    let code = [".rs", ".ts", ".tsx", ".mjs"].iter().any(|end| name.ends_with(end));
    code && !name.contains("generated")
}
