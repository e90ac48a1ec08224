//! What a verification finds.

use std::fmt;
use std::io;
use std::path::PathBuf;

use serde::Serialize;
use thiserror::Error;

use crate::chain::Digest;
use crate::file::FileName;

/// A log that is as it was written.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// Where it is.
    pub directory: PathBuf,
    /// How many files it has.
    pub files: usize,
    /// How many lines it has.
    pub lines: u64,
    /// The number of its first line.
    pub first: u64,
    /// Its last line: what to keep elsewhere, to compare with later.
    pub last: Anchor,
    /// What is worth knowing, though nothing is wrong.
    pub notes: Vec<Note>,
}

/// A line by number and digest. Kept elsewhere, it proves that the log up to it is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Anchor {
    /// The line's number.
    pub seq: u64,
    /// The SHA-256 of the line.
    pub hash: Digest,
}

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The file.
    pub file: FileName,
    /// The line, from 1.
    pub line: u64,
}

/// Something worth knowing about a log that holds together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "kebab-case")]
pub enum Note {
    /// Older files were removed by retention.
    Retention {
        /// The number of the first line that is left.
        first: u64,
    },
    /// A torn end was closed.
    Repaired {
        /// Where the tear is.
        place: Place,
        /// How many bytes are no part of the log.
        bytes: u64,
        /// How many lines were lost when the machine stopped.
        lost: u64,
    },
    /// The log ends with a piece of a line. The next process that writes closes it.
    Torn {
        /// Where the piece is.
        place: Place,
        /// How long it is.
        bytes: u64,
    },
    /// The log has lines that the head does not know yet: a writer was killed between the two.
    Ahead {
        /// How many.
        lines: u64,
    },
    /// An anchor is older than the log's first line.
    Unchecked {
        /// The anchor's line.
        seq: u64,
    },
}

/// What is wrong at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A line, or what binds the next line to it, is not what was written.
    #[error("the line, or the link to it in the next line, was changed")]
    Changed,
    /// The log ends too early.
    #[error("the log was cut: it ends with line {found}, and had {expected}")]
    Cut {
        /// The number of the last line.
        found: u64,
        /// The number of the last line that was written.
        expected: u64,
    },
    /// Lines are missing before this place.
    #[error("lines {from} to {to} are missing before it")]
    Removed {
        /// The number of the first line that is missing.
        from: u64,
        /// The number of the last line that is missing.
        to: u64,
    },
    /// A line or file does not belong here; its number was used before.
    #[error("it was inserted: a line with its number came before")]
    Inserted,
    /// Lines are in another order.
    #[error("the lines from here on were reordered")]
    Reordered,
    /// The head knows this line at another place.
    #[error("the head knows this line at another place")]
    HeadDisagrees,
    /// The line is another one than that which was kept elsewhere.
    #[error("line {seq} is not the one that the anchor names: the log was written anew")]
    NotTheAnchor {
        /// The line's number.
        seq: u64,
    },
}

/// A log that is not proven.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// There is nothing to verify.
    #[error("there is no audit log in {}", directory.display())]
    NoLog {
        /// Where it was looked for.
        directory: PathBuf,
    },
    /// The log cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The sidecar is missing or not as it was written.
    #[error("{} does not say where the log ends: it was removed or changed", path.display())]
    Head {
        /// The sidecar.
        path: PathBuf,
    },
    /// The log is not as it was written.
    #[error("{place}: {problem}")]
    Broken {
        /// The first place that is wrong.
        place: Place,
        /// What is wrong there.
        problem: Problem,
    },
}

impl Verified {
    pub(super) fn empty(directory: PathBuf) -> Self {
        let last = Anchor { seq: 0, hash: Digest::GENESIS };
        Self { directory, files: 0, lines: 0, first: 1, last, notes: Vec::new() }
    }
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { files, lines, first, last: Anchor { seq, hash }, notes, .. } = self;
        let files = Count(*files as u64, "file");
        write!(
            f,
            "{} in {files}, numbers {first} to {seq}: nothing was cut or changed",
            Count(*lines, "line")
        )?;
        write!(f, "\nlast line: {seq} {hash}")?;
        notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

/// A number of things.
struct Count(u64, &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retention { first } => {
                write!(f, "begins at line {first}; older files were removed by retention")
            }
            Self::Repaired { place, bytes, lost: 0 } => {
                write!(
                    f,
                    "{place}: a line was not written as a whole ({}), and was closed",
                    Count(*bytes, "byte")
                )
            }
            Self::Repaired { place, bytes: _, lost } => write!(
                f,
                "{place}: {} of the last second before the machine stopped never reached the disk",
                Count(*lost, "line")
            ),
            Self::Torn { place, bytes } => write!(
                f,
                "{place}: the log ends with a piece of a line ({}); the next process that writes closes it",
                Count(*bytes, "byte")
            ),
            Self::Ahead { lines } => {
                write!(f, "{} more than the head knows: a writer was killed", Count(*lines, "line"))
            }
            Self::Unchecked { seq } => write!(f, "the anchor for line {seq} is older than the log"),
        }
    }
}
