//! Relative links: the file is there, and has a heading of that name.

use std::path::Path;

use anyhow::ensure;

use crate::files::read;
use crate::process::root;

/// # Errors
/// Names every link that leads nowhere.
pub fn lead_somewhere(pages: &[String]) -> anyhow::Result<()> {
    let mut dead = Vec::new();
    for page in pages {
        let text = read(page)?;
        let folder = Path::new(page).parent().unwrap_or(Path::new(""));
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() { root().join(page) } else { root().join(folder).join(file) };
            if !target.exists() {
                dead.push(format!("{page} → {link}"));
            } else if !anchor.is_empty() && target.extension().is_some_and(|kind| kind == "md") {
                let there = std::fs::read_to_string(&target)?;
                if !anchors(&there).any(|found| found == anchor) {
                    dead.push(format!("{page} → {link}: no such heading"));
                }
            }
        }
    }
    ensure!(dead.is_empty(), "links to nothing:\n{}", dead.join("\n"));
    Ok(())
}

/// The targets of `[…](target)` that are not addresses, outside of code.
fn links(text: &str) -> Vec<String> {
    let prose = without_code(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let relative = |link: &&str| !link.is_empty() && !link.contains("://") && !link.starts_with("mailto:");
    targets.filter(relative).map(str::to_owned).collect()
}

fn without_code(text: &str) -> String {
    let (mut kept, mut fenced) = (String::new(), false);
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            kept.extend(line.split('`').step_by(2));
            kept.push('\n');
        }
    }
    kept
}

/// Of headings, as GitHub and mdbook make them.
fn anchors(text: &str) -> impl Iterator<Item = String> {
    let mut fenced = false;
    let headings = text.lines().filter(move |line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    headings.map(|line| {
        let plain = line.trim_start_matches('#').trim().to_lowercase();
        let kept = plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_code_are_none() {
        let text = "see [a](b.md#c) and `[x](y)`\n```sh\n[p](q)\n```\n[web](https://example.com) ![i](images/i.png)";
        assert_eq!(links(text), ["b.md#c", "images/i.png"]);
    }

    #[test]
    fn anchors_are_made_of_headings() {
        let text = "# Going back\n```sh\n# no heading\n```\n## `POST /drain?seconds=N`\n";
        assert_eq!(anchors(text).collect::<Vec<_>>(), ["going-back", "post-drainsecondsn"]);
    }
}
