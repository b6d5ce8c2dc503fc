//! Checks of the files themselves.

use std::path::Path;

use anyhow::bail;

use crate::files::{read, tracked};
use crate::process::root;

const LONGEST_FILE: usize = 400;

/// Lock files name no mirror, and nothing in the tree is left to do.
pub fn tree() -> anyhow::Result<String> {
    let mut problems = foreign_sources()?;
    let (files, mut long) = (tracked()?, Vec::new());
    for name in files.iter().filter(|name| is_source(name)) {
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
    // Warnings: where to cut is a matter of judgement, and a page may be on its way.
    let mut notes = Vec::new();
    if !long.is_empty() {
        notes.push(format!("more than {LONGEST_FILE} lines (one subject each?): {}", long.join(", ")));
    }
    let dead: Vec<String> = files
        .iter()
        .filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "md"))
        .flat_map(|name| dead_links(name))
        .collect();
    if !dead.is_empty() {
        notes.push(format!("links to nothing: {}", dead.join(", ")));
    }
    Ok(notes.join("; "))
}

/// Relative links of a page whose file is not there.
fn dead_links(page: &str) -> Vec<String> {
    let text = read(page).unwrap_or_default();
    let folder = root().join(page).parent().map(Path::to_owned).unwrap_or_default();
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', '#', ' ']).next())
        .filter(|link| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:"))
        .filter(|link| !folder.join(link).exists())
        .map(|link| format!("{page} → {link}"))
        .collect()
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
