//! Class paths from Maven: a `pom.xml` lists what is wanted, `sha256sums` every jar that this comes to.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::cache;

const PLUGIN: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";

/// A server that comes as jars.
pub(crate) struct Jars {
    pub name: &'static str,
    pub pom: &'static str,
    /// In the form of `sha256sum`.
    pub sums: &'static str,
}

pub(crate) const KAFKA: Jars =
    Jars { name: "kafka", pom: include_str!("../jars/kafka/pom.xml"), sums: include_str!("../jars/kafka/sha256sums") };

pub(crate) const CASSANDRA: Jars = Jars {
    name: "cassandra",
    pom: include_str!("../jars/cassandra/pom.xml"),
    sums: include_str!("../jars/cassandra/sha256sums"),
};

impl Jars {
    /// The folder with the jars, fetched when it is not there.
    ///
    /// # Errors
    /// Maven failed, or brought something else than is listed.
    pub fn folder(&self) -> anyhow::Result<PathBuf> {
        cache::folder(self.name, &[self.pom, self.sums], |folder| {
            let listed = self.listed()?;
            if !take_over(&listed, folder)? {
                eprintln!("{}: fetching {} jars with Maven", self.name, listed.len());
                self.fetch(folder)?;
            }
            verify(&listed, folder).with_context(|| format!("the jars of {}", self.name))
        })
    }

    /// Sorted and explicit: a class-data archive is valid for the very class path that it was made with, and `folder/*`
    /// expands in the order of the directory.
    pub fn class_path(&self, folder: &Path) -> anyhow::Result<String> {
        let paths: Vec<String> = self.listed()?.keys().map(|name| folder.join(name).display().to_string()).collect();
        Ok(paths.join(":"))
    }

    fn listed(&self) -> anyhow::Result<BTreeMap<&'static str, &'static str>> {
        let split = |line: &'static str| line.split_once("  ").map(|(sum, name)| (name, sum)).context(line);
        self.sums.lines().map(split).collect()
    }

    fn fetch(&self, folder: &Path) -> anyhow::Result<()> {
        let pom = folder.join("pom.xml");
        std::fs::write(&pom, self.pom)?;
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", "--strict-checksums", "--file"]).arg(pom).arg(PLUGIN);
        maven.arg("-DincludeScope=runtime").arg(format!("-DoutputDirectory={}", folder.display()));
        cache::run(&mut maven).map(drop)
    }
}

/// Takes every jar from the folders of other versions that are in the cache, where they are all to be found: most stay the
/// same when one changes. Whether they are the right ones is for [`verify`] to say.
fn take_over(listed: &BTreeMap<&str, &str>, into: &Path) -> anyhow::Result<bool> {
    let folders: Vec<PathBuf> = std::fs::read_dir(cache::root())?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path != into)
        .collect();
    for (name, sum) in listed {
        let mut found = folders.iter().map(|folder| folder.join(name)).filter(|path| path.is_file());
        let Some(same) = found.find(|path| cache::sha256(path).is_ok_and(|found| found == **sum)) else {
            return Ok(false);
        };
        std::fs::copy(same, into.join(name))?;
    }
    Ok(true)
}

/// Every listed jar is there as it should be, and no other.
fn verify(listed: &BTreeMap<&str, &str>, folder: &Path) -> anyhow::Result<()> {
    for (name, sum) in listed {
        let found = cache::sha256(&folder.join(name))?;
        ensure!(found == **sum, "{name} has the SHA-256 {found}, not {sum}: it is not what was pinned");
    }
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if path.extension() == Some(OsStr::new("jar")) && !listed.contains_key(name) {
            bail!("{name} came with them, and is not in the list");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUM: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn only_the_listed_jars_pass() {
        let dir = tempfile::tempdir().expect("a folder");
        let listed = BTreeMap::from([("a.jar", SUM)]);
        assert!(verify(&listed, dir.path()).is_err());
        std::fs::write(dir.path().join("a.jar"), "abc").expect("works");
        verify(&listed, dir.path()).expect("works");
        std::fs::write(dir.path().join("b.jar"), "abc").expect("works");
        assert_eq!(
            verify(&listed, dir.path()).expect_err("a refusal").to_string(),
            "b.jar came with them, and is not in the list"
        );
        std::fs::remove_file(dir.path().join("b.jar")).expect("works");
        std::fs::write(dir.path().join("a.jar"), "xyz").expect("works");
        assert!(verify(&listed, dir.path()).expect_err("a refusal").to_string().contains("not what was pinned"));
    }

    #[test]
    fn the_lists_name_the_servers() {
        let kafka = KAFKA.listed().expect("works");
        assert!(kafka.keys().any(|name| name.starts_with("kafka_2.13-")));
        assert!(CASSANDRA.listed().expect("works").keys().any(|name| name.starts_with("cassandra-all-")));
        assert!(kafka.values().all(|sum| sum.len() == 64));
    }
}
