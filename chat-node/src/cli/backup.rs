use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

#[derive(clap::Args)]
pub struct Args {
    /// The folder to copy; a node may be running on it
    #[arg(long, env = "ELASTIC_CHAT_DATA_DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// Where the copy goes: a folder that does not exist yet
    to: PathBuf,
}

/// Database first, then the files: every file that the copied database knows is complete by then.
pub fn run(args: &Args) -> anyhow::Result<()> {
    let Args { data_dir, to } = args;
    let database = data_dir.join("chat.db");
    if !database.exists() {
        bail!("{} has no database: is it a data folder?", data_dir.display());
    }
    if to.exists() {
        bail!("{} exists already: choose another name", to.display());
    }
    std::fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    chat_embedded::backup(&database, &to.join("chat.db"))?;
    let files = copy_tree(&data_dir.join("files"), &to.join("files"))?;
    let key = data_dir.join("signing.key");
    if key.exists() {
        std::fs::copy(&key, to.join("signing.key")).context("cannot copy the signing key")?;
    }
    println!("copied the database and {files} file(s) to {}; start it with --data-dir", to.display());
    Ok(())
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<u64> {
    if !from.exists() {
        return Ok(0);
    }
    std::fs::create_dir_all(to)?;
    let mut copied = 0;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copied += copy_tree(&entry.path(), &target)?;
        } else {
            // Uploads come and go while we copy; complete files stay.
            match std::fs::copy(entry.path(), &target) {
                Ok(_) => copied += 1,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error).with_context(|| format!("cannot copy {}", entry.path().display())),
            }
        }
    }
    Ok(copied)
}
