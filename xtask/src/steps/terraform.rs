//! What is in `terraform/`: its form, every module and root against the providers' schemas, and their own tests.

use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::files::tracked;
use crate::helm::helm;
use crate::process::{output, root};
use crate::terraform::{Terraform, configurations};

/// Charts that only Terraform installs.
const CHARTS: [&str; 2] = ["terraform/charts/namespace", "terraform/charts/platform"];

/// Every check. What it leaves behind, such as locks with the stand-in's hashes, is in a copy.
///
/// # Errors
/// Of the first that fails.
pub fn terraform() -> anyhow::Result<String> {
    let place = tempfile::tempdir()?;
    let terraform = Terraform::with_stand_in(&place.path().join("mirror"))?;
    let copy = place.path().join("terraform");
    copy_tracked("terraform/", place.path())?;
    terraform
        .run(&copy, &["fmt", "-check", "-diff", "-recursive"])
        .context("run `terraform fmt -recursive terraform`")?;
    let folders = configurations(&copy)?;
    let mut tests = 0;
    for folder in &folders {
        terraform.run(folder, &["init", "-backend=false", "-no-color", "-input=false"])?;
        terraform.run(folder, &["validate", "-no-color"])?;
        ensure!(folder.join("tests").is_dir(), "{} has no tests", folder.display());
        tests += passed(&terraform.run(folder, &["test", "-no-color"])?)?;
    }
    for chart in CHARTS {
        output(&mut helm(&["lint", "--strict", "--quiet", chart])?)?;
    }
    Ok(format!("{} configurations, {tests} runs, {}", folders.len(), terraform.version))
}

/// How many runs passed. None is an error: a folder whose tests are not found would pass for ever.
fn passed(said: &str) -> anyhow::Result<usize> {
    let line =
        said.lines().find_map(|line| line.strip_prefix("Success! ")).context("it did not say how many passed")?;
    let count = line.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    ensure!(count > 0, "no test ran: {line}");
    Ok(count)
}

fn copy_tracked(below: &str, to: &Path) -> anyhow::Result<()> {
    for name in tracked()?.iter().filter(|name| name.starts_with(below)) {
        let (from, to) = (root().join(name), to.join(name));
        // Deleted, and not committed yet.
        if from.exists() {
            std::fs::create_dir_all(to.parent().unwrap_or(&to))?;
            std::fs::copy(&from, &to).with_context(|| name.clone())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::passed;

    #[test]
    fn no_test_is_no_success() {
        assert_eq!(passed("…\n\nSuccess! 7 passed, 0 failed.\n").ok(), Some(7));
        assert!(passed("\nSuccess! 0 passed, 0 failed.\n").is_err());
        assert!(passed("nothing").is_err());
    }
}
