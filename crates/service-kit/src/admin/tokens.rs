//! The file with the tokens that are accepted.

use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// A token file is a few lines; whatever is larger is some other file.
const MOST_BYTES: usize = 64 * 1024;

/// The token file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("{} can't be read: {error}", path.display())]
    Unreadable { path: PathBuf, error: std::io::Error },
    #[error("{} has more than 64 KiB: it is no token file", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} holds no token: write one on a line of its own", path.display())]
    Empty { path: PathBuf },
}

/// What is kept of a token in memory. All have one length, so that comparing tells nothing of the token's.
pub(super) type Fingerprint = [u8; 32];

pub(super) fn fingerprint(token: &[u8]) -> Fingerprint {
    Sha256::digest(token).into()
}

/// Looks at every byte of both, whatever it finds.
fn equal(one: &Fingerprint, other: &Fingerprint) -> bool {
    std::hint::black_box(one.iter().zip(other).fold(0u8, |differs, (a, b)| differs | (a ^ b))) == 0
}

/// Is it one of them? Takes the same time for every answer.
pub(super) fn accepted(known: &[Fingerprint], presented: &[u8]) -> bool {
    let presented = fingerprint(presented);
    known.iter().fold(false, |found, one| found | equal(one, &presented))
}

/// The tokens of a file: each line that is not blank, without the blanks around it.
pub(super) fn parse(path: &Path, content: &[u8]) -> Result<Vec<Fingerprint>, TokenFileError> {
    if content.len() > MOST_BYTES {
        return Err(TokenFileError::TooLarge { path: path.to_owned() });
    }
    let lines = content.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let tokens: Vec<Fingerprint> = lines.filter(|line| !line.is_empty()).map(fingerprint).collect();
    if tokens.is_empty() { Err(TokenFileError::Empty { path: path.to_owned() }) } else { Ok(tokens) }
}

/// Is it a file with a token in it? For a service's start; later changes are read when somebody asks.
///
/// # Errors
/// It can't be read, or holds none. No error has any of its content.
pub fn check_token_file(path: &Path) -> Result<(), TokenFileError> {
    let content = std::fs::read(path).map_err(|error| TokenFileError::Unreadable { path: path.to_owned(), error })?;
    parse(path, &content).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_token() {
        let tokens = parse(Path::new("t"), b"first\n\n  second \r\n").expect("two");
        assert_eq!(tokens.len(), 2);
        assert!(accepted(&tokens, b"first") && accepted(&tokens, b"second"));
        for wrong in [&b""[..], b"firs", b"first ", b"first\nsecond", b"third"] {
            assert!(!accepted(&tokens, wrong), "{wrong:?}");
        }
    }

    #[test]
    fn a_file_without_a_token_accepts_nobody() {
        for content in [&b""[..], b"\n \n\t\r\n"] {
            assert!(matches!(parse(Path::new("t"), content), Err(TokenFileError::Empty { .. })));
        }
        let large = vec![b'x'; MOST_BYTES + 1];
        assert!(matches!(parse(Path::new("t"), &large), Err(TokenFileError::TooLarge { .. })));
    }
}
