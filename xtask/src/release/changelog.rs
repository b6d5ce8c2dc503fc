//! The changelog, in the form of Keep a Changelog.

use anyhow::{Context as _, ensure};

pub const FILE: &str = "CHANGELOG.md";
const UNRELEASED: &str = "Unreleased";

/// What stands below `## [version]`, without its heading.
///
/// # Errors
/// There is no such section, or nothing in it.
pub fn section(text: &str, version: &str) -> anyhow::Result<String> {
    let mut lines = text.lines().skip_while(|line| title(line) != Some(version)).peekable();
    let heading = lines.next().with_context(|| format!("{FILE} has no section [{version}]"))?;
    let body: Vec<&str> = lines.take_while(|line| title(line).is_none()).collect();
    let body = body.join("\n").trim().to_owned();
    ensure!(!body.is_empty(), "{FILE}: nothing stands below {heading}");
    Ok(body)
}

/// The first section is what is not released yet, and none is there twice.
///
/// # Errors
/// What is wrong.
pub fn check(text: &str) -> anyhow::Result<()> {
    let titles: Vec<&str> = text.lines().filter_map(title).collect();
    ensure!(titles.first() == Some(&UNRELEASED), "{FILE}: the first section is [{UNRELEASED}]");
    for (at, name) in titles.iter().enumerate() {
        ensure!(!titles[..at].contains(name), "{FILE} has [{name}] twice");
    }
    Ok(())
}

fn title(line: &str) -> Option<&str> {
    line.strip_prefix("## [")?.split_once(']').map(|(title, _)| title)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2026-01-02\n\n### Added\n- a\n\n## [0.1.0] - 2026-01-01\n- b\n";

    #[test]
    fn a_section_ends_where_the_next_begins() {
        assert_eq!(section(TEXT, "0.2.0").expect("there"), "### Added\n- a");
        assert_eq!(section(TEXT, "0.1.0").expect("there"), "- b");
        assert!(section(TEXT, "0.3.0").expect_err("not there").to_string().contains("no section [0.3.0]"));
        assert!(section(TEXT, "Unreleased").expect_err("empty").to_string().contains("nothing stands below"));
    }

    #[test]
    fn sections_are_there_once_and_begin_with_the_unreleased() {
        check(TEXT).expect("sound");
        check(&TEXT.replace("0.2.0", "0.1.0")).expect_err("twice");
        check(&TEXT.replace("[Unreleased]", "[0.3.0]")).expect_err("nothing unreleased");
    }
}
