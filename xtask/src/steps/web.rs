use anyhow::bail;

use crate::files::read;
use crate::generate::{OPENAPI, TYPES};
use crate::process::{output, root};
use crate::web;

fn script(name: &str) -> anyhow::Result<String> {
    output(&mut web::npm(&["run", "--silent", name]))
}

pub fn install() -> anyhow::Result<String> {
    web::install().map(|()| String::new())
}

pub fn check() -> anyhow::Result<String> {
    script("check").map(|_| String::new())
}

pub fn test() -> anyhow::Result<String> {
    script("test").map(|_| String::new())
}

pub fn build() -> anyhow::Result<String> {
    web::build().map(|()| String::new())
}

pub fn size() -> anyhow::Result<String> {
    let said = script("size")?;
    Ok(said.trim().lines().last().unwrap_or_default().trim().to_owned())
}

/// The web client's types are those of the description. The tree is left as it was found.
pub fn types_drift() -> anyhow::Result<String> {
    let before = read(TYPES)?;
    let generated = script("generate");
    let after = read(TYPES)?;
    if before != after {
        std::fs::write(root().join(TYPES), &before)?;
    }
    generated?;
    if before != after {
        bail!("{TYPES} is not what {OPENAPI} says: run `./dev generate` and commit it");
    }
    Ok(String::new())
}
