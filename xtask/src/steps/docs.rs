//! The documentation: the book builds, links lead somewhere, commands do what the text says, and lists are the programs' own.

mod configuration;
mod links;
mod snippets;

use std::path::Path;

use anyhow::ensure;

use crate::files::{read, tracked};
use crate::process::{command, root, target};
use crate::programs::programs;
use crate::tools::tool;

pub use configuration::generate;

const SUMMARY: &str = "docs/SUMMARY.md";

/// Every check.
///
/// # Errors
/// Of the first that fails.
pub fn docs() -> anyhow::Result<String> {
    let pages = pages()?;
    let left_out = left_out(&pages)?;
    links::lead_somewhere(&pages)?;
    fields_exist(&pages)?;
    book()?;
    programs()?;
    configuration::is_current()?;
    let run = snippets::run_all(&pages)?;
    // A note: a page may be on its way.
    let note = if left_out.is_empty() { String::new() } else { format!("; not in {SUMMARY}: {}", left_out.join(", ")) };
    Ok(format!("{} pages, {run} commands run{note}", pages.len()))
}

/// Of the book: everything below `docs`.
fn pages() -> anyhow::Result<Vec<String>> {
    let tracked = tracked()?;
    let markdown = |name: &String| Path::new(name).extension().is_some_and(|kind| kind == "md");
    Ok(tracked.into_iter().filter(|name| name.starts_with("docs/") && markdown(name)).collect())
}

/// Pages that the book leaves out: mdbook says nothing of what its list does not name.
fn left_out(pages: &[String]) -> anyhow::Result<Vec<&str>> {
    let summary = read(SUMMARY)?;
    let listed = |page: &&String| {
        let name = page.trim_start_matches("docs/");
        name == "SUMMARY.md" || summary.contains(&format!("]({name})"))
    };
    Ok(pages.iter().filter(|page| !listed(page)).map(String::as_str).collect())
}

/// Every `spec.…` that a page tells people to set is a field of `ChatCluster`. The reference speaks of others' kinds too.
fn fields_exist(pages: &[String]) -> anyhow::Result<()> {
    let reference = read("docs/reference/chatcluster.md")?;
    let mut strange = Vec::new();
    for page in pages.iter().filter(|page| !page.starts_with("docs/reference/")) {
        let text = read(page)?;
        for field in text.split('`').skip(1).step_by(2).filter_map(|code| code.split([':', ' ']).next()) {
            let is_path = field.starts_with("spec.") && field.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            if is_path && !reference.contains(&format!("`{field}`")) {
                strange.push(format!("{page} names {field}"));
            }
        }
    }
    ensure!(strange.is_empty(), "no field of ChatCluster: {}", strange.join(", "));
    Ok(())
}

/// mdbook builds it without a warning.
fn book() -> anyhow::Result<()> {
    let to = target().join("book");
    let mut mdbook = command(tool("mdbook")?, &["build", "--dest-dir"]);
    mdbook.arg(&to).arg("docs");
    let done = mdbook.stdin(std::process::Stdio::null()).output()?;
    let said = String::from_utf8_lossy(&done.stderr).into_owned() + &String::from_utf8_lossy(&done.stdout);
    let bad = said.contains("WARN") || said.contains("ERROR");
    ensure!(done.status.success() && !bad, "mdbook build docs, in {}:\n{said}", root().display());
    ensure!(to.join("index.html").exists(), "{} has no index.html", to.display());
    Ok(())
}
