//! What goes wrong with the log on disk.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::file::name::FileName;

/// The log cannot be opened or written.
#[derive(Debug, Error)]
pub enum FileError {
    /// The system refused something.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With which file or directory.
        path: PathBuf,
        /// Why it was refused.
        source: io::Error,
    },
    /// The sidecar that says where the log ends is missing or not as it was written.
    #[error(
        "{} does not say where the audit log ends: it was removed or changed. Run `bartizan audit verify`, \
         and move the directory aside to begin a new log",
        path.display()
    )]
    Head {
        /// The sidecar.
        path: PathBuf,
    },
    /// The log does not agree with the sidecar.
    #[error(
        "the audit log in {} was changed by another hand: {what}. Run `bartizan audit verify`, and move \
         the directory aside to begin a new log",
        directory.display()
    )]
    Tampered {
        /// The directory of the log.
        directory: PathBuf,
        /// What does not agree.
        what: Tampering,
    },
    /// The thread that writes is gone.
    #[error("the writer of the audit log has stopped")]
    Stopped,
}

/// How a log does not agree with what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Tampering {
    /// Lines are missing or changed that were on the disk.
    #[error("it holds together up to line {found} only, and {expected} lines were written")]
    Cut {
        /// The last line that holds together.
        found: u64,
        /// The last line that was written.
        expected: u64,
    },
    /// A file does not follow on the one before.
    #[error("{file} does not follow on line {last}")]
    Stray {
        /// The file.
        file: FileName,
        /// The last line before it.
        last: u64,
    },
    /// This process has written more than there is now, or other lines.
    #[error("this process wrote line {expected}, and the log is at line {found} of another history")]
    RolledBack {
        /// The last line of the log.
        found: u64,
        /// The last line that this process knows.
        expected: u64,
    },
}

/// Puts what was tried, and with what, to an error of the system.
pub(crate) fn doing(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { doing, path, source }
}
