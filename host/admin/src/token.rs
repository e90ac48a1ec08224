//! The token of the admin API: a file in the state directory that only its owner can read.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// The file's name.
pub const FILE: &str = "admin.token";
/// Random bytes in a token.
const BYTES: usize = 32;

/// The file in this state directory.
pub fn file(directory: &Path) -> PathBuf {
    directory.join(FILE)
}

/// The token of a state directory, made if there is none yet.
///
/// # Errors
///
/// When the file cannot be read or made, or holds no token.
pub fn read_or_make(directory: &Path) -> io::Result<String> {
    let path = file(directory);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let token = new()?;
            file.write_all(token.as_bytes())?;
            file.sync_all()?;
            Ok(token)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => read(&path),
        Err(error) => Err(error),
    }
}

pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut token = String::new();
    OpenOptions::new().read(true).open(path)?.take(1_024).read_to_string(&mut token)?;
    let token = token.trim().to_owned();
    if token.len() < 2 * BYTES {
        let problem = format!("{} holds no token: remove it, and another one is made", path.display());
        return Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    }
    Ok(token)
}

fn new() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut token = String::with_capacity(2 * BYTES);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_token_is_made_once_and_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let token = read_or_make(directory.path()).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(read_or_make(directory.path()).unwrap(), token);
        let mode = file(directory.path()).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_without_a_token_is_no_token() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(file(directory.path()), "").unwrap();
        assert!(read_or_make(directory.path()).unwrap_err().to_string().contains("holds no token"));
    }
}
