//! What can be wrong with the file, and what to do about it.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

type Source = Box<dyn Error + Send + Sync>;

/// Why the state could not be opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The directory or the file in it cannot be made or reached.
    #[error("cannot use {} for state: choose a directory that this user may write to", path.display())]
    Directory {
        /// The directory or file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not one of ours.
    #[error("{} is not a state file of Bartizan: move it away, or choose another directory for state", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version has written the file.
    #[error(
        "{} was written by a newer Bartizan (its layout is number {found}, this version knows {known}): \
         use that version, or choose another directory for state",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The number of its layout.
        found: i64,
        /// The latest number that is known here.
        known: i64,
    },
    /// The file is gone and its write-ahead log is not.
    #[error(
        "{} is missing, but its log {}-wal is there: put the file back, or remove the log as well to begin \
         anew, without counters and approvals",
        path.display(),
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// SQLite cannot keep a write-ahead log there.
    #[error(
        "{} cannot have a write-ahead log (its journal mode stays {mode}): \
         choose a directory for state on a local disk",
        path.display()
    )]
    NoLog {
        /// The file.
        path: PathBuf,
        /// What SQLite uses instead.
        mode: String,
    },
    /// The file cannot be read or brought up to date.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an operation on the file failed. Nothing was changed then.
#[derive(Debug, Error)]
pub enum StoreError {
    /// There is no space left.
    #[error("the disk of {} is full: make space, then it works again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// In SQLite's words.
        source: Source,
    },
    /// It must not be written or read.
    #[error("{} cannot be written: check its permissions and those of its directory", path.display())]
    Denied {
        /// The file.
        path: PathBuf,
        /// In SQLite's words.
        source: Source,
    },
    /// Another process, or another thread of this one, has held the lock for too long.
    #[error("{} is locked: another process that uses it hangs or is very busy", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// In SQLite's words, if it was another process.
        source: Option<Source>,
    },
    /// The content makes no sense.
    #[error(
        "{} is damaged: stop every process that uses it and restore it from a backup, or move it and the \
         files beside it away to begin anew, without counters and approvals",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Source,
    },
    /// The disk or the operating system failed.
    #[error("{} cannot be used: check the disk", path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// In SQLite's words.
        source: Source,
    },
}

impl StoreError {
    pub(super) fn new(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path, source: error.into() },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::Denied { path, source: error.into() }
            }
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Busy { path, source: Some(error.into()) }
            }
            // A broken rule of the schema, or a value that is none, is damage too: we write no such thing.
            Some(
                ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::Unknown,
            )
            | None => Self::Damaged { path, source: error.into() },
            Some(_) => Self::Failed { path, source: error.into() },
        }
    }
}
