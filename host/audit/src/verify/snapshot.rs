//! The log as it is at one moment, between two batches.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use crate::chain::{Digest, Link};
use crate::file::{FileName, HEAD, Head};
use crate::verify::{Place, VerifyError};

/// The head and the lengths of the files.
pub(super) struct Snapshot {
    pub(super) directory: PathBuf,
    pub(super) head: Head,
    pub(super) files: Vec<(FileName, u64)>,
}

impl Snapshot {
    pub(super) fn take(directory: &Path) -> Result<Self, VerifyError> {
        let io = |source| VerifyError::Io { path: directory.to_owned(), source };
        let none = || VerifyError::NoLog { directory: directory.to_owned() };
        let path = directory.join(HEAD);
        let mut sidecar = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let files = FileName::list(directory).unwrap_or_default();
                return Err(if files.is_empty() { none() } else { VerifyError::Head { path } });
            }
            Err(source) => return Err(VerifyError::Io { path, source }),
        };
        // A file system without locks has no writers that lock either.
        let locked = sidecar.lock_shared().is_ok();
        let mut bytes = Vec::new();
        sidecar.read_to_end(&mut bytes).map_err(io)?;
        let mut files = Vec::new();
        for name in FileName::list(directory).map_err(io)? {
            let length = fs::metadata(directory.join(name.to_string())).map_err(io)?.len();
            files.push((name, length));
        }
        if locked {
            sidecar.unlock().map_err(io)?;
        }
        let head = Head::decode(&bytes).ok_or(VerifyError::Head { path })?;
        Ok(Self { directory: directory.to_owned(), head, files })
    }

    /// What the first line of the first file is bound to.
    pub(super) fn anchor(&self, file: FileName) -> Result<Digest, VerifyError> {
        let path = self.directory.join(file.to_string());
        let mut line = Vec::new();
        let read = File::open(&path).and_then(|file| BufReader::new(file).read_until(b'\n', &mut line));
        read.map_err(|source| VerifyError::Io { path, source })?;
        Ok(Link::parse(&line).map_or(Digest::GENESIS, |(link, _)| link.prev))
    }

    /// Whether a line with this number stands somewhere behind a place.
    pub(super) fn has_line(&self, seq: u64, behind: Place) -> Result<bool, VerifyError> {
        for (file, length) in self.files.iter().filter(|(file, _)| *file >= behind.file) {
            let path = self.directory.join(file.to_string());
            let io = |source| VerifyError::Io { path: path.clone(), source };
            let mut bytes = BufReader::new(File::open(&path).map_err(io)?.take(*length));
            let mut line = Vec::new();
            let mut number = 0;
            while bytes.read_until(b'\n', &mut line).map_err(io)? > 0 {
                number += 1;
                let is_behind = *file > behind.file || number > behind.line;
                if is_behind && Link::parse(&line).is_some_and(|(link, _)| link.seq == seq) {
                    return Ok(true);
                }
                line.clear();
            }
        }
        Ok(false)
    }
}
