use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

/// Keeps other processes off a data folder until it is dropped; the kernel drops it with the process.
#[derive(Debug)]
pub struct FolderLock(#[allow(dead_code)] File);

/// Why the folder can't be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another process works on this folder: {holder}")]
    Held { holder: String },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl FolderLock {
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                return Err(LockError::Held { holder: holder.trim().to_owned() });
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "process {}", std::process::id())?;
        Ok(Self(file))
    }
}
